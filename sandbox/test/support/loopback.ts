import type { RunningSandbox } from '../../index.ts';
import type { ZoneName } from '../../topology.ts';
import type { Made, Piece } from './content.ts';

/** Plain fetch against a registry's loopback port. */
export function loopbackOf(sandbox: RunningSandbox, zone: ZoneName) {
  const base = `http://${sandbox.description.registries[zone].loopback}`;
  const call = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${base}${path}`, init);
  const pushBlob = async (repository: string, blob: Piece): Promise<void> => {
    const begun = await call(`/v2/${repository}/blobs/uploads/`, { method: 'POST' });
    const location = new URL(begun.headers.get('location') ?? '', base);
    location.searchParams.set('digest', blob.digest);
    const done = await fetch(location, { method: 'PUT', body: new Uint8Array(blob.bytes) });
    if (done.status !== 201) throw new Error(`blob: ${done.status} ${await done.text()}`);
  };
  const putManifest = (repository: string, reference: string, manifest: Piece): Promise<Response> =>
    call(`/v2/${repository}/manifests/${reference}`, {
      method: 'PUT',
      headers: { 'content-type': manifest.mediaType },
      body: new Uint8Array(manifest.bytes),
    });
  return {
    call,
    pushBlob,
    putManifest,
    /** Blobs, then the manifest; by digest unless a tag is given. */
    push: async (repository: string, made: Made, tag?: string): Promise<void> => {
      for (const blob of made.blobs) await pushBlob(repository, blob);
      const done = await putManifest(repository, tag ?? made.digest, made);
      if (done.status !== 201) throw new Error(`manifest: ${done.status} ${await done.text()}`);
    },
    manifest: (repository: string, reference: string): Promise<Response> =>
      call(`/v2/${repository}/manifests/${reference}`, { headers: { accept: '*/*' } }),
  };
}
