import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Descriptor } from '../../src/domain/descriptor.ts';
import type { Digest } from '../../src/domain/digest.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { copyContent } from '../../src/oci/copy.ts';
import type { Repository } from '../../src/ports/content.ts';

interface Manifest {
  layers: { digest: Digest; size: number }[];
  subject?: object;
  annotations?: Record<string, string>;
}

/** Copies an image with what is attached to it, all of it as it is. */
export async function copyAll(from: Repository, to: Repository, image: Digest): Promise<void> {
  for (const digest of [image, ...(await from.referrers(image)).map((referrer) => referrer.digest)])
    await copyContent({ from, to, root: (await from.resolve(digest))! });
}

/**
 * The evidence of one image attached to another one, which differs by an annotation.
 * @returns the digest of the other image
 */
export async function attachToAnother(from: Repository, to: Repository, image: Digest): Promise<Digest> {
  await copyContent({ from, to, root: (await from.resolve(image))! });
  const other = await pushChanged(from, to, image, (manifest) => {
    manifest.annotations = { ...manifest.annotations, 'org.example.added': 'afterwards' };
  });
  for (const { digest } of await from.referrers(image)) {
    await copyContent({ from, to, root: (await from.resolve(digest))! });
    await pushChanged(from, to, digest, (manifest) => {
      manifest.subject = { mediaType: other.mediaType, digest: other.digest, size: other.size };
    });
  }
  return other.digest;
}

/** The image as it is, with evidence whose signed text was changed and whose signatures were not. */
export async function copyWithChangedEvidence(
  from: Repository,
  to: Repository,
  image: Digest,
): Promise<void> {
  await copyContent({ from, to, root: (await from.resolve(image))! });
  for (const { digest } of await from.referrers(image)) {
    const { manifest } = await readManifest(from, digest);
    const [layer] = manifest.layers;
    const descriptor = { ...layer!, mediaType: 'application/octet-stream' };
    const changed = Buffer.from(changedText(await buffer(await from.blob(descriptor))));
    const blob = { digest: sha256(changed), size: changed.length };
    await to.pushBlob({ ...descriptor, ...blob }, () => Promise.resolve(Readable.from([changed])));
    await pushChanged(from, to, digest, (copy) => {
      copy.layers = [{ ...copy.layers[0]!, ...blob }];
    });
  }
}

/** A Sigstore bundle or a JWS: one more member in its payload. Anything else stays. */
function changedText(bytes: Buffer): string {
  const envelope = JSON.parse(bytes.toString('utf8')) as {
    dsseEnvelope?: { payload: string };
    payload?: string;
  };
  const change = (payload: string, encoding: 'base64' | 'base64url'): string => {
    const text = JSON.parse(Buffer.from(payload, encoding).toString('utf8')) as object;
    return Buffer.from(JSON.stringify({ ...text, added: 'afterwards' })).toString(encoding);
  };
  if (envelope.dsseEnvelope) envelope.dsseEnvelope.payload = change(envelope.dsseEnvelope.payload, 'base64');
  else if (envelope.payload !== undefined) envelope.payload = change(envelope.payload, 'base64url');
  return JSON.stringify(envelope);
}

async function readManifest(
  from: Repository,
  digest: Digest,
): Promise<{ readonly mediaType: string; readonly manifest: Manifest }> {
  const content = await from.manifest(digest);
  if (!content) throw new Error(`${digest} is not there`);
  const manifest = JSON.parse(Buffer.from(content.bytes).toString('utf8')) as Manifest;
  return { mediaType: content.descriptor.mediaType, manifest };
}

async function pushChanged(
  from: Repository,
  to: Repository,
  digest: Digest,
  change: (manifest: Manifest) => void,
): Promise<Descriptor> {
  const { mediaType, manifest } = await readManifest(from, digest);
  // A config that no layer of the copy brought along.
  const { config } = manifest as unknown as { config: Descriptor };
  await to.pushBlob(config, () => from.blob(config));
  change(manifest);
  const bytes = Buffer.from(JSON.stringify(manifest));
  const descriptor = { mediaType, digest: sha256(bytes), size: bytes.length };
  await to.pushManifest({ descriptor, bytes });
  return descriptor;
}
