import type { Handler } from '../http.ts';
import { ResponseError } from '../http.ts';
import type { ReferrerRecord } from '../store/repository.ts';
import { authorize, authorizeBase, authorizeCatalog } from './access.ts';
import { mediaTypes } from './manifest-facts.ts';
import { pageOf } from './pages.ts';
import type { Plane } from './plane.ts';
import { checkName, digestOf, isOtherDigest, repositoryOf } from './plane.ts';

/** distribution-spec: the version check, the tags of a repository, the referrers of a manifest, the catalog. */
export function listingHandlers(plane: Plane): Handler[] {
  const host = (name: string): boolean => name === plane.names.host;
  return [
    {
      host,
      method: 'GET',
      path: /^\/v2\/?$/,
      fn: (request) => {
        authorizeBase(plane, request);
        return { status: 200, headers: { 'docker-distribution-api-version': 'registry/2.0' }, body: {} };
      },
    },
    {
      host,
      method: 'GET',
      path: /^\/v2\/_catalog$/,
      fn: (request) => {
        authorizeCatalog(plane, request);
        const page = pageOf(request, plane.store.repositories(), (name) => name, plane.settings().pageSize);
        return { status: 200, headers: page.headers, body: { repositories: page.items } };
      },
    },
    {
      host,
      method: 'GET',
      path: /^\/v2\/(.+)\/tags\/list$/,
      fn: (request, match) => {
        const [, name = ''] = match;
        authorize(plane, request, name, ['pull', 'metadata_read'], 'pull');
        const names = Object.keys(repositoryOf(plane, name).data.tags).sort();
        const page = pageOf(request, names, (tag) => tag, plane.settings().pageSize);
        return { status: 200, headers: page.headers, body: { name, tags: page.items } };
      },
    },
    {
      host,
      method: 'GET',
      path: /^\/v2\/(.+)\/referrers\/([^/]+)$/,
      fn: (request, match) => {
        const [, name = '', reference = ''] = match;
        authorize(plane, request, name, ['pull', 'metadata_read'], 'pull');
        const { referrersApi, pageSize } = plane.settings();
        // Just what a registry without the API says, so that clients turn to the tag schema.
        if (!referrersApi) throw new ResponseError({ status: 404, body: '404 page not found\n' });
        const filter = request.url.searchParams.get('artifactType');
        const all = referrersOf(plane, checkName(name), reference);
        const wanted =
          filter === null ? all : all.filter(({ manifest }) => artifactTypeOf(manifest) === filter);
        const page = pageOf(request, wanted, (each) => each.digest, pageSize);
        return {
          status: 200,
          headers: {
            ...page.headers,
            'content-type': mediaTypes.ociIndex,
            ...(filter !== null && { 'oci-filters-applied': 'artifactType' }),
          },
          body: JSON.stringify({
            schemaVersion: 2,
            mediaType: mediaTypes.ociIndex,
            manifests: page.items.map(descriptorOf),
          }),
        };
      },
    },
  ];
}

/** Nobody needs to be there to have no referrers. @throws ResponseError 400 DIGEST_INVALID for what is no digest */
function referrersOf(plane: Plane, name: string, subject: string): ReferrerRecord[] {
  const digest = isOtherDigest(subject) ? undefined : digestOf(subject);
  return (digest && plane.store.repository(name)?.referrersOf(digest)) ?? [];
}

/** "Listing Referrers": the manifest's own type, or else its config's media type, whatever that is. */
const artifactTypeOf = ({ artifactType, configMediaType }: ReferrerRecord['manifest']): string | undefined =>
  artifactType ?? configMediaType;

const descriptorOf = ({ digest, manifest }: ReferrerRecord): object => ({
  mediaType: manifest.mediaType,
  digest,
  size: manifest.size,
  annotations: manifest.annotations,
  artifactType: artifactTypeOf(manifest),
});
