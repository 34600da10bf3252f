import type { Descriptor, ManifestContent } from '../../domain/descriptor.ts';
import { maxManifestBytes } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { isDigest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { mediaTypes } from '../../domain/media-types.ts';
import { isTag } from '../../domain/names.ts';
import { sha256 } from '../../domain/sha256.ts';
import { pullScope, pushScope } from './auth.ts';
import type { Client } from './client.ts';
import type { Answer } from './errors.ts';
import { diagnosticOf, notARegistry, protocolError } from './errors.ts';

const accept = [
  mediaTypes.ociIndex,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifestList,
  mediaTypes.dockerManifest,
].join(', ');

const manifestUrl = (client: Client, repository: string, reference: string): URL => {
  if (!isDigest(reference) && !isTag(reference)) {
    throw new AmlpromoteError(
      'USAGE',
      `${JSON.stringify(reference.slice(0, 140))} is neither a tag nor a digest`,
    );
  }
  return new URL(`/v2/${repository}/manifests/${reference}`, client.base);
};

/** HEAD; falls back to GET where the answer does not tell enough. @throws INTEGRITY_MISMATCH (threat 2) */
export async function resolveManifest(
  client: Client,
  repository: string,
  reference: Digest | string,
): Promise<Descriptor | undefined> {
  const what = `look for manifest ${repository}${isDigest(reference) ? '@' : ':'}${reference}`;
  const answer = await client.send({
    method: 'HEAD',
    url: manifestUrl(client, repository, reference),
    scope: pullScope(repository),
    what,
    headers: { accept },
  });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw client.errorOf(answer, what);
  // Only a registry names the digest; without it the bytes must speak.
  const digest = digestHeader(client, answer, reference);
  const length = answer.headers['content-length'];
  const mediaType = mediaTypeOf(answer);
  if (digest === undefined || length === undefined || mediaType === undefined) {
    return (await readManifest(client, repository, reference))?.descriptor;
  }
  const size = Number(length);
  if (size > maxManifestBytes) throw tooLarge(client, reference);
  return { mediaType, digest, size };
}

/** GET; the bytes are those of the digest asked for, or of the digest header for a tag. Asked twice before it is a mismatch. */
export async function readManifest(
  client: Client,
  repository: string,
  reference: Digest | string,
): Promise<ManifestContent | undefined> {
  const first = await readOnce(client, repository, reference);
  const result = first === 'mismatch' ? await readOnce(client, repository, reference) : first;
  if (result !== 'mismatch') return result;
  throw new AmlpromoteError(
    'INTEGRITY_MISMATCH',
    `${client.host}: ${repository}:${reference} was answered with another manifest than its digest says`,
    {
      nextSteps: [
        'Run again; if it happens again, do not use this registry: it serves what it was not asked for.',
      ],
    },
  );
}

async function readOnce(
  client: Client,
  repository: string,
  reference: Digest | string,
): Promise<ManifestContent | 'mismatch' | undefined> {
  const what = `read manifest ${repository}:${reference}`;
  const answer = await client.send({
    method: 'GET',
    url: manifestUrl(client, repository, reference),
    scope: pullScope(repository),
    what,
    headers: { accept },
    most: maxManifestBytes,
  });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw client.errorOf(answer, what);
  const digest = sha256(answer.body);
  const promised = isDigest(reference) ? reference : digestHeader(client, answer, reference);
  const mediaType = mediaTypeOf(answer);
  const named = answer.headers['docker-content-digest'] !== undefined;
  if (!named && promised !== digest && isForeign(mediaType)) throw notARegistry(client.host, what);
  if (promised !== undefined && promised !== digest) return 'mismatch';
  if (mediaType === undefined)
    throw protocolError(client.host, `sends ${repository}:${reference} without a type`);
  return { descriptor: { mediaType, digest, size: answer.body.byteLength }, bytes: answer.body };
}

/**
 * PUT by tag, or by digest when there is none.
 * @returns whether the registry keeps the list of referrers itself (`OCI-Subject`)
 * @throws INTEGRITY_MISMATCH when bytes and digest differ, here or there; TAG_CONFLICT for an immutable tag
 */
export async function putManifest(
  client: Client,
  repository: string,
  content: ManifestContent,
  tag: string | undefined,
): Promise<{ readonly subjectKept: boolean }> {
  const { mediaType, digest } = content.descriptor;
  if (sha256(content.bytes) !== digest) {
    throw new AmlpromoteError('INTEGRITY_MISMATCH', `manifest ${digest}: the bytes to be pushed are others`);
  }
  const reference = tag ?? digest;
  const what = `push manifest ${repository}:${reference}`;
  const put = async (): Promise<Answer> =>
    client.send({
      method: 'PUT',
      url: manifestUrl(client, repository, reference),
      scope: pushScope(repository),
      what,
      headers: { 'content-type': mediaType },
      body: content.bytes,
    });
  let answer = await put();
  for (let attempt = 1; attempt < 4 && maySettle(answer); attempt += 1) {
    if (!(await client.pause(attempt, answer))) break;
    answer = await put();
  }
  if (answer.status === 409 && tag !== undefined) {
    throw new AmlpromoteError(
      'TAG_CONFLICT',
      `${client.host}: the tag ${repository}:${tag} may not be moved`,
      {
        nextSteps: ['Choose another version, or find out who locked or owns the tag.'],
      },
    );
  }
  const stored = answer.headers['docker-content-digest'];
  // Whatever says 200 to everything does not name the digest.
  if (answer.status === 200 && stored === undefined) throw notARegistry(client.host, what);
  if (answer.status !== 201 && answer.status !== 200) throw client.errorOf(answer, what);
  if (stored !== undefined && stored !== digest) {
    throw new AmlpromoteError(
      'INTEGRITY_MISMATCH',
      `${client.host}: ${repository}:${reference} was stored as another digest`,
    );
  }
  return { subjectKept: answer.headers['oci-subject'] !== undefined };
}

/**
 * A blob that was pushed a moment ago may not show everywhere yet; distribution says DIGEST_INVALID when it reads the link of a
 * blob while another push rewrites it. The bytes are what they should be: we hashed them.
 */
const maySettle = (answer: Answer): boolean =>
  (answer.status === 400 || answer.status === 404) &&
  ['DIGEST_INVALID', 'MANIFEST_BLOB_UNKNOWN', 'BLOB_UNKNOWN'].includes(diagnosticOf(answer.body).code);

function digestHeader(client: Client, answer: Answer, reference: string): Digest | undefined {
  const value = answer.headers['docker-content-digest'];
  if (typeof value !== 'string') return undefined;
  if (!isDigest(value)) throw protocolError(client.host, 'names a manifest with a malformed digest');
  if (isDigest(reference) && value !== reference) {
    throw new AmlpromoteError(
      'INTEGRITY_MISMATCH',
      `${client.host}: was asked for ${reference} and offers ${value}`,
      {
        nextSteps: ['Run again; if it happens again, do not use this registry.'],
      },
    );
  }
  return value;
}

const mediaTypeOf = (answer: Answer): string | undefined => {
  const value = answer.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  return value === undefined || value === '' ? undefined : value;
};

/** Documents of other services and of proxies: no manifest has these types. */
const isForeign = (type: string | undefined): boolean =>
  type !== undefined && /^(?:text\/.*|application\/(?:json|xml|problem\+json|problem\+xml))$/.test(type);

const tooLarge = (client: Client, reference: string): AmlpromoteError =>
  new AmlpromoteError(
    'CONTENT_INVALID',
    `${client.host}: manifest ${reference} is larger than ${String(maxManifestBytes)} bytes`,
  );
