import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { buffer } from 'node:stream/consumers';
import type { Digest } from '../../src/domain/digest.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import type { SandboxContext } from '../../sandbox/context.ts';

const programs = ['/bin/bash', '/bin/sh', '/bin/cat', '/bin/sleep', '/bin/mkdir', '/bin/ln'];

/**
 * Puts a tiny image into the sensitive registry of a sandbox: this machine's shell, a few tools and their libraries.
 * @param more for the image's `config`: Entrypoint, User …
 * @returns the digest of its manifest
 */
export async function pushShellImage(
  context: SandboxContext,
  repository: string,
  workingDirectory = '',
  more: Readonly<Record<string, unknown>> = {},
): Promise<Digest> {
  const { blobs, ...store } = context.stores.sensitive;
  const tar = await archive();
  const layer = gzipSync(tar);
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: {
        Env: ['PATH=/bin'],
        ...(workingDirectory === '' ? {} : { WorkingDir: workingDirectory }),
        ...more,
      },
      rootfs: { type: 'layers', diff_ids: [sha256(tar)] },
    }),
  );
  const described = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: sha256(bytes),
    size: bytes.length,
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: described('application/vnd.oci.image.config.v1+json', config),
      layers: [described('application/vnd.oci.image.layer.v1.tar+gzip', layer)],
    }),
  );
  const target = store.ensure(repository);
  for (const bytes of [config, layer]) target.addBlob(blobs.put(bytes));
  const digest = blobs.put(manifest);
  target.putManifest(digest, {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    size: manifest.length,
    imageSize: layer.length + config.length,
  });
  return digest;
}

/** This machine's shell, a few tools and their libraries: absolute paths. */
export function shellFiles(): readonly string[] {
  const libraries = programs.flatMap((program) =>
    [...execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)].map(
      ([, path = '']) => path,
    ),
  );
  return [...new Set([...programs, ...libraries])];
}

async function archive(): Promise<Buffer> {
  const files = pack();
  // Where root may write without capabilities: in the root directory it may not on Podman (mode 0555 whatever the image says).
  files.entry({ name: 'srv/', type: 'directory', mode: 0o755, mtime: new Date(0) });
  for (const path of shellFiles())
    files.entry({ name: path.slice(1), mode: 0o755, mtime: new Date(0) }, readFileSync(path));
  files.finalize();
  return buffer(files);
}
