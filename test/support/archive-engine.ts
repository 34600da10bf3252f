import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { hexOf } from '../../src/domain/digest.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import type { Engine, EngineImage } from '../../src/ports/engine.ts';
import { tarArchive, tarOfFiles } from './tar-archive.ts';

/** An engine that builds the same two layers every time, with ids and times of its own, as real engines do. */
export interface ArchiveEngine extends Engine {
  /** How often it was asked to build. */
  readonly builds: number;
}

export function archiveEngine(): ArchiveEngine {
  const layers = [
    tarOfFiles({ 'etc/os-release': 'ID=debian\nVERSION_ID="12"\n' }),
    tarOfFiles({ 'app/train.py': 'print("score=0.9")\n' }),
  ];
  const diffIds = layers.map((layer) => sha256(layer));
  const archives = new Map<string, Buffer>();
  let builds = 0;
  return {
    get builds() {
      return builds;
    },
    version: async () => ({ name: 'archive engine', version: '1' }),
    // Any base there is: what the first layer holds.
    inspect: async (reference) => imageOf(sha256(reference), diffIds.slice(0, 1)),
    build: async (request) => {
      await finished(request.context().resume());
      builds += 1;
      const config = Buffer.from(
        JSON.stringify({
          architecture: 'amd64',
          os: 'linux',
          created: new Date(Date.UTC(2026, 0, builds)).toISOString(),
          container: String(builds),
          config: { Cmd: ['python'], Labels: request.labels },
          rootfs: { type: 'layers', diff_ids: diffIds },
          history: layers.map((_layer, step) => ({ created_by: `RUN step ${String(step)}` })),
        }),
      );
      const id = sha256(config);
      archives.set(
        id,
        tarArchive(
          ...layers.map((content, at) => layerEntry(at, content)),
          { name: `${hexOf(id)}.json`, content: config },
          {
            name: 'manifest.json',
            content: JSON.stringify([
              { Config: `${hexOf(id)}.json`, RepoTags: null, Layers: layers.map((_, at) => layerName(at)) },
            ]),
          },
        ),
      );
      return imageOf(id, diffIds);
    },
    save: async (id) => Readable.from([archives.get(id) ?? Buffer.alloc(0)], { objectMode: false }),
  };
}

const layerName = (at: number): string => `${String(at)}/layer.tar`;
const layerEntry = (at: number, content: Buffer): { name: string; content: Buffer } => ({
  name: layerName(at),
  content,
});

const imageOf = (id: string, diffIds: readonly string[]): EngineImage => ({
  id,
  platform: { os: 'linux', architecture: 'amd64' },
  repoDigests: [],
  onBuild: [],
  diffIds,
  sizeBytes: 1024,
});
