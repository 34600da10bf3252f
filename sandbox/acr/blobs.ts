import type { Digest } from '../../src/domain/digest.ts';
import { hexOf } from '../../src/domain/digest.ts';
import type { Handler, SandboxRequest, SandboxResponse } from '../http.ts';
import { azureError } from '../http.ts';
import { authorize } from './access.ts';
import { blobUnknown, disallowed } from './errors.ts';
import type { Plane } from './plane.ts';
import { digestOf, repositoryOf, wantedDigest } from './plane.ts';
import { rangeOf } from './ranges.ts';

/** How long a download address is good, seconds. */
const linkSeconds = 20 * 60;
const linkIssuer = 'Azure Container Registry data endpoint';

/** distribution-spec, "Pulling blobs": HEAD here, GET redirected to the data endpoint, which knows only signed addresses. */
export function blobHandlers(plane: Plane): Handler[] {
  const host = (name: string): boolean => name === plane.names.host;
  const path = /^\/v2\/(.+)\/blobs\/([^/]+)$/;
  const find = (request: SandboxRequest, match: RegExpExecArray): { digest: Digest; size: number } => {
    const [, name = '', reference = ''] = match;
    authorize(plane, request, name, ['pull']);
    const digest = wantedDigest(reference, blobUnknown);
    const repository = repositoryOf(plane, name);
    const size = plane.store.blobs.sizeOf(digest);
    if (!repository.hasBlob(digest) || size === undefined) throw blobUnknown(digest);
    if (!repository.data.attributes.readEnabled) throw disallowed();
    return { digest, size };
  };
  return [
    {
      host,
      method: 'HEAD',
      path,
      fn: (request, match) => {
        const { digest, size } = find(request, match);
        return { status: 200, headers: { ...blobHeaders(digest), 'content-length': `${size}` } };
      },
    },
    {
      host,
      method: 'GET',
      path,
      fn: (request, match) => {
        const { digest, size } = find(request, match);
        if (request.vantage === 'loopback') return send(plane, request, digest, size);
        return { status: 307, headers: { location: signedAddress(plane, digest), 'content-length': '0' } };
      },
    },
    {
      host,
      method: 'DELETE',
      path,
      fn: (request, match) => {
        const [, name = '', reference = ''] = match;
        authorize(plane, request, name, ['delete']);
        const repository = repositoryOf(plane, name);
        const digest = wantedDigest(reference, blobUnknown);
        if (!repository.hasBlob(digest)) throw blobUnknown(digest);
        if (!repository.data.attributes.deleteEnabled) throw disallowed();
        repository.deleteBlob(digest);
        return { status: 202, headers: { 'docker-content-digest': digest } };
      },
    },
    {
      host: (name) => name === plane.names.dataHost,
      method: 'GET',
      path: /^\/d\/([0-9a-f]{64})$/,
      fn: (request, match) => download(plane, request, digestOf(`sha256:${match[1] ?? ''}`)),
    },
  ];
}

function signedAddress(plane: Plane, digest: Digest): string {
  const { names, context } = plane;
  const exp = Math.floor(context.clock.now().getTime() / 1000) + linkSeconds;
  const sig = context.tokens.issue({ iss: linkIssuer, aud: names.dataHost, sub: digest, exp });
  return `https://${names.dataHost}/d/${hexOf(digest)}?se=${exp}&sig=${sig}`;
}

function download(plane: Plane, request: SandboxRequest, digest: Digest): SandboxResponse {
  // Storage refuses two kinds of credentials at once: a client that keeps its token over the redirect fails here too.
  if (request.headers.authorization !== undefined)
    throw azureError(
      400,
      'InvalidAuthenticationInfo',
      'Authentication information is not given in the correct format.',
    );
  const sig = request.url.searchParams.get('sig') ?? '';
  const { tokens, clock } = plane.context;
  const check = tokens.check(sig, { iss: linkIssuer, aud: plane.names.dataHost }, clock.now());
  if (!check.ok || check.claims.sub !== digest)
    throw azureError(
      403,
      'AuthenticationFailed',
      'Server failed to authenticate the request: the signature or its expiry.',
    );
  const size = plane.store.blobs.sizeOf(digest);
  if (size === undefined) throw azureError(404, 'BlobNotFound', 'The specified blob does not exist.');
  return send(plane, request, digest, size);
}

function send(plane: Plane, request: SandboxRequest, digest: Digest, size: number): SandboxResponse {
  const range = rangeOf(request, size);
  const length = range ? range.end - range.start + 1 : size;
  return {
    status: range ? 206 : 200,
    headers: {
      ...blobHeaders(digest),
      'content-length': `${length}`,
      ...(range && { 'content-range': `bytes ${range.start}-${range.end}/${size}` }),
    },
    body: size === 0 ? Buffer.alloc(0) : plane.store.blobs.stream(digest, range),
  };
}

const blobHeaders = (digest: Digest): Record<string, string> => ({
  'content-type': 'application/octet-stream',
  'docker-content-digest': digest,
  'accept-ranges': 'bytes',
  etag: `"${digest}"`,
});
