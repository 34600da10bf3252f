import { setTimeout as delay } from 'node:timers/promises';
import { hexOf } from '../../../src/domain/digest.ts';
import type { Descriptor } from '../../../src/domain/descriptor.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import type { CosignCase } from './cosign-cases.ts';

interface RawManifest {
  readonly manifest: string;
  readonly blobs: readonly Buffer[];
}

/** Pushes bytes as they are: our own client would refuse to write most of what these tests need. */
export async function pushRaw(host: string, repository: string, raw: RawManifest): Promise<Descriptor> {
  const descriptor = await put(host, repository, raw, sha256(Buffer.from(raw.manifest)));
  if (!descriptor) throw new Error(`${host} does not take the manifest`);
  return descriptor;
}

/**
 * The same for an attestation, listed by the referrers tag schema (distribution-spec, "Referrers Tag Schema").
 * @returns false when the registry does not take such a manifest: then no tool can be deceived by it there
 */
pushRaw.attached = async (host: string, repository: string, one: CosignCase): Promise<boolean> => {
  const blobs = one.blobs.map((blob) => Buffer.from(blob, 'base64'));
  const raw = { manifest: one.manifest, blobs };
  const descriptor = await put(host, repository, raw, sha256(Buffer.from(one.manifest)));
  if (!descriptor) return false;
  const { artifactType, annotations, config } = JSON.parse(one.manifest) as {
    artifactType?: string;
    annotations?: Record<string, string>;
    config: { mediaType: string };
  };
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [{ ...descriptor, artifactType: artifactType ?? config.mediaType, annotations }],
  });
  const tag = `sha256-${hexOf(one.subject.digest)}`;
  return (
    (await put(host, repository, { manifest: index, blobs: [] }, tag, mediaTypes.ociIndex)) !== undefined
  );
};

async function put(
  host: string,
  repository: string,
  { manifest, blobs }: RawManifest,
  reference: string,
  mediaType: string = mediaTypes.ociManifest,
): Promise<Descriptor | undefined> {
  const base = `http://${host}/v2/${repository}`;
  for (const blob of blobs) {
    const session = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
    await session.arrayBuffer();
    const location = new URL(session.headers.get('location') ?? '', base);
    location.searchParams.set('digest', sha256(blob));
    const put = await fetch(location, { method: 'PUT', body: new Uint8Array(blob) });
    await put.arrayBuffer();
    if (!put.ok) throw new Error(`${host} does not take a blob: ${String(put.status)}`);
  }
  const push = async (): Promise<Response> =>
    fetch(`${base}/manifests/${reference}`, {
      method: 'PUT',
      headers: { 'content-type': mediaType },
      body: manifest,
    });
  let response = await push();
  // A blob that another worker is pushing too is not there for a moment.
  for (let again = 0; again < 5 && /BLOB_UNKNOWN/.test(await response.text()); again += 1) {
    await delay(200);
    response = await push();
  }
  if (response.status >= 500) throw new Error(`${host} fails at a manifest: ${String(response.status)}`);
  const bytes = Buffer.from(manifest);
  return response.ok ? { mediaType, digest: sha256(bytes), size: bytes.byteLength } : undefined;
}
