import type { Digest } from '../../src/domain/digest.ts';
import { isTag } from '../../src/domain/names.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import type { Handler, SandboxRequest, SandboxResponse } from '../http.ts';
import type { ManifestRecord, Repository } from '../store/repository.ts';
import { authorize, authorizePush } from './access.ts';
import { disallowed, manifestUnknown, registryError } from './errors.ts';
import type { ParsedManifest } from './manifest-facts.ts';
import { factsOf, parseManifest } from './manifest-facts.ts';
import type { Plane } from './plane.ts';
import { checkName, digestOf, repositoryOf, wantedDigest } from './plane.ts';

/** ACR's limit, bytes. */
const maxManifest = 4 * 1024 * 1024;

/** distribution-spec, "Pulling manifests", "Pushing Manifests", "Deleting Manifests". */
export function manifestHandlers(plane: Plane): Handler[] {
  const host = (name: string): boolean => name === plane.names.host;
  const path = /^\/v2\/(.+)\/manifests\/([^/]+)$/;
  const read = (request: SandboxRequest, match: RegExpExecArray): SandboxResponse => {
    const [, name = '', reference = ''] = match;
    authorize(plane, request, name, ['pull']);
    const { digest, record } = resolve(repositoryOf(plane, name), reference);
    checkAccept(request, record);
    return {
      status: 200,
      headers: {
        'content-type': record.mediaType,
        'content-length': `${record.size}`,
        'docker-content-digest': digest,
        'docker-distribution-api-version': 'registry/2.0',
        etag: `"${digest}"`,
      },
      ...(request.method === 'GET' && { body: plane.store.blobs.read(digest) }),
    };
  };
  return [
    { host, method: 'GET', path, fn: read },
    { host, method: 'HEAD', path, fn: read },
    {
      host,
      method: 'PUT',
      path,
      fn: (request, match) => put(plane, request, match[1] ?? '', match[2] ?? ''),
    },
    {
      host,
      method: 'DELETE',
      path,
      fn: (request, match) => {
        const [, name = '', reference = ''] = match;
        authorize(plane, request, name, ['delete']);
        const repository = repositoryOf(plane, name);
        if (!reference.includes(':')) throw tagsStay();
        deleteWithReferrers(repository, wantedDigest(reference, manifestUnknown));
        return { status: 202, headers: { 'content-length': '0' } };
      },
    },
  ];
}

/** @throws ResponseError 404 MANIFEST_UNKNOWN; 405 when reading is locked */
function resolve(
  repository: Repository,
  reference: string,
): { readonly digest: Digest; readonly record: ManifestRecord } {
  const tag = reference.includes(':') ? undefined : repository.tag(reference);
  const digest = reference.includes(':') ? wantedDigest(reference, manifestUnknown) : tag?.digest;
  const record = digest === undefined ? undefined : repository.manifest(digest);
  if (digest === undefined || record === undefined) throw manifestUnknown(reference);
  if (
    !repository.data.attributes.readEnabled ||
    !record.attributes.readEnabled ||
    tag?.attributes.readEnabled === false
  )
    throw disallowed();
  return { digest, record };
}

/** A client that names no fitting type is told that there is nothing, as Docker's registry does. */
function checkAccept(request: SandboxRequest, record: ManifestRecord): void {
  const accepted = (request.headers.accept ?? '*/*').split(',').map((part) => part.split(';')[0]?.trim());
  if (accepted.some((type) => type === record.mediaType || type === '*/*' || type === 'application/*'))
    return;
  throw registryError(
    404,
    'MANIFEST_UNKNOWN',
    `manifest found with media type ${record.mediaType}, which the Accept header does not allow`,
  );
}

async function put(
  plane: Plane,
  request: SandboxRequest,
  name: string,
  reference: string,
): Promise<SandboxResponse> {
  authorizePush(plane, request, name);
  checkName(name);
  const byDigest = reference.includes(':');
  if (!byDigest && !isTag(reference))
    throw registryError(400, 'TAG_INVALID', 'manifest tag did not match URI');
  const bytes = await request.bytes(maxManifest);
  const digest = sha256(bytes);
  if (byDigest && digestOf(reference) !== digest)
    throw registryError(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content', {
      digest: reference,
    });
  const parsed = parseManifest(bytes, request.headers['content-type'] ?? '');
  const repository = plane.store.ensure(name);
  checkWritable(repository, digest, byDigest ? undefined : reference);
  checkComplete(repository, parsed);
  plane.store.blobs.put(bytes);
  repository.putManifest(digest, factsOf(parsed, bytes.byteLength, plane.store.blobs));
  if (!byDigest) repository.putTag(reference, digest);
  const reportsSubject = parsed.subject !== undefined && plane.settings().referrersApi;
  return {
    status: 201,
    headers: {
      location: `/v2/${name}/manifests/${digest}`,
      'docker-content-digest': digest,
      'content-length': '0',
      ...(reportsSubject && { 'oci-subject': parsed.subject }),
    },
  };
}

/** A locked manifest is not written again and takes no new tag; a locked tag does not move, not even to where it is. */
function checkWritable(repository: Repository, digest: Digest, tag: string | undefined): void {
  const locked =
    !repository.data.attributes.writeEnabled ||
    repository.manifest(digest)?.attributes.writeEnabled === false ||
    (tag !== undefined && repository.tag(tag)?.attributes.writeEnabled === false);
  if (locked) throw disallowed();
}

function checkComplete(repository: Repository, parsed: ParsedManifest): void {
  const missing = [
    ...parsed.blobs.map(({ digest }) => digest).filter((digest) => !repository.hasBlob(digest)),
    ...parsed.children.filter((digest) => !repository.manifest(digest)),
  ];
  if (missing.length === 0) return;
  throw registryError(
    parsed.children.length > 0 ? 404 : 400,
    parsed.children.length > 0 ? 'MANIFEST_UNKNOWN' : 'MANIFEST_BLOB_UNKNOWN',
    'manifest references something that is unknown to the repository',
    missing.map((digest) => ({ digest })),
  );
}

/** distribution-spec, "Deleting tags": a registry may not offer it. ACR deletes tags by its own API (`/acr/v1/…/_tags/TAG`). */
const tagsStay = (): Error => registryError(405, 'UNSUPPORTED', 'The operation is unsupported.');

/** With a subject go its referrers. Nothing goes when any of them is locked. */
function deleteWithReferrers(repository: Repository, digest: Digest): void {
  if (!repository.manifest(digest)) throw manifestUnknown(digest);
  const doomed = new Set<Digest>([digest]);
  for (const subject of doomed)
    for (const referrer of repository.referrersOf(subject)) doomed.add(referrer.digest);
  const attributes = [...doomed].flatMap((each) => [
    repository.manifest(each)?.attributes,
    ...repository.tagsOf(each).map((tag) => repository.tag(tag)?.attributes),
  ]);
  const locked = attributes.some((each) => each?.deleteEnabled === false || each?.writeEnabled === false);
  if (locked || !repository.data.attributes.deleteEnabled || !repository.data.attributes.writeEnabled)
    throw disallowed();
  for (const each of doomed) repository.deleteManifest(each);
}
