import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Descriptor } from '../../src/domain/descriptor.ts';
import type { Digest } from '../../src/domain/digest.ts';
import { mediaTypes } from '../../src/domain/media-types.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { encodeManifest } from '../../src/oci/manifest.ts';
import { layerOf, tarOfFiles } from './tar-archive.ts';

export type LayerFiles = Readonly<Record<string, string>>;

export interface LayoutImage {
  /** Directory of the layout. */
  readonly directory: string;
  /** Of the image manifest. */
  readonly digest: Digest;
  readonly layers: readonly Descriptor[];
}

/** Writes an OCI image layout with one image of these layers, base first. The same files make the same digest. */
export function writeLayout(directory: string, layers: readonly LayerFiles[]): LayoutImage {
  const put = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const digest = sha256(bytes);
    writeFileSync(path.join(directory, 'blobs', ...digest.split(':')), bytes);
    return { mediaType, digest, size: bytes.byteLength };
  };
  mkdirSync(path.join(directory, 'blobs/sha256'), { recursive: true });
  const made = layers.map((files) => layerOf(tarOfFiles(files)));
  for (const { blob } of made) put(mediaTypes.ociLayerGzip, blob);
  const config = put(
    mediaTypes.ociConfig,
    Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        config: { Cmd: ['/bin/sh'] },
        rootfs: { type: 'layers', diff_ids: made.map(({ diffId }) => diffId) },
      }),
    ),
  );
  const descriptors = made.map(({ descriptor }) => descriptor);
  const manifest = encodeManifest({ mediaType: mediaTypes.ociManifest, config, layers: descriptors });
  put(mediaTypes.ociManifest, manifest.bytes);
  writeFileSync(path.join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(
    path.join(directory, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [manifest.descriptor] }),
  );
  return { directory, digest: manifest.descriptor.digest, layers: descriptors };
}

/** A Debian 12 of one package, so that the scanner knows what it looks at and the demo's advisories cover it. */
export const debian12 = (
  packages: Readonly<Record<string, string>> = { tzdata: '2024a-0+deb12u1' },
): LayerFiles => ({
  'etc/os-release': 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
  'var/lib/dpkg/status': Object.entries(packages)
    .map(
      ([name, version]) =>
        `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n`,
    )
    .join('\n'),
});
