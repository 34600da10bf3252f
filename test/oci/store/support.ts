import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ExecutionContext } from 'ava';
import type { Descriptor, ManifestContent } from '../../../src/domain/descriptor.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import type { ErrorCode } from '../../../src/domain/errors.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { encodeManifest } from '../../../src/oci/manifest.ts';
import type { ContentWriter } from '../../../src/ports/content.ts';

/** A directory of the test's own, removed with everything in it. */
export function temporaryDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'amlpromote-store-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export const descriptorOf = (
  bytes: Uint8Array | string,
  mediaType: string = mediaTypes.ociLayerGzip,
): Descriptor => ({
  mediaType,
  digest: sha256(bytes),
  size: Buffer.byteLength(bytes),
});

export const streamOf = (bytes: Uint8Array | string): Readable =>
  Readable.from([Buffer.from(bytes)], { objectMode: false });

/** Pushes blobs with these contents and a manifest of them; the content makes the digest. */
export async function pushImage(
  target: ContentWriter,
  layers: readonly string[],
  options: { readonly tag?: string; readonly subject?: Descriptor; readonly artifactType?: string } = {},
): Promise<ManifestContent> {
  const config = descriptorOf(`{"n":${JSON.stringify(layers)}}`, mediaTypes.ociConfig);
  await target.pushBlob(config, async () => streamOf(`{"n":${JSON.stringify(layers)}}`));
  for (const layer of layers) await target.pushBlob(descriptorOf(layer), async () => streamOf(layer));
  const content = encodeManifest({
    mediaType: mediaTypes.ociManifest,
    config,
    layers: layers.map((layer) => descriptorOf(layer)),
    ...(options.subject === undefined ? {} : { subject: options.subject }),
    ...(options.artifactType === undefined ? {} : { artifactType: options.artifactType }),
  });
  await target.pushManifest(content, options.tag);
  return content;
}

export async function textOf(stream: Readable): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString();
}

/** Fails the test unless `work` ends in an AmlpromoteError with this code; returns it. */
export async function failsWith(
  t: ExecutionContext,
  code: ErrorCode,
  work: () => Promise<unknown>,
): Promise<AmlpromoteError> {
  const error = await t.throwsAsync(work, { instanceOf: AmlpromoteError });
  t.is(error.code, code, error.message);
  return error;
}
