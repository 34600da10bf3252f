/**
 * `node bench/walk.ts [--scale 1] [--runs 5] [--dir .work/bench]`: the layer walk and inventory of the benchmark image, cold
 * against `tar tzf` over the same layers, and once more after two small layers changed. Runs alternate; medians are printed.
 */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hexOf } from '../src/domain/digest.ts';
import { parseManifest } from '../src/oci/manifest.ts';
import type { BenchImage } from './image.ts';
import { makeImage } from './image.ts';
import type { Sample } from './measure.ts';
import { measure } from './measure.ts';
import type { OurScan } from './our-scan.ts';
import { printReport } from './report.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    runs: { type: 'string', default: '5' },
    dir: { type: 'string', default: path.join(root, '.work', 'bench') },
  },
});
const runs = Number(values.runs);
const image = await makeImage(path.join(values.dir, `image-${values.scale}`), Number(values.scale));
const [v1, v2] = image.versions;
if (!v1 || !v2) throw new Error('the image has two versions');
const layers = await layerFiles(v1);
const cacheDir = path.join(values.dir, 'walk-cache');

const cold = { ours: [] as Sample[], 'tar tzf': [] as Sample[] };
const changed = { ours: [] as Sample[] };
for (let run = 0; run < runs; run += 1) {
  cold.ours.push(await ours(v1));
  cold['tar tzf'].push(
    await measure(['sh', '-c', 'for layer; do tar tzf "$layer" >/dev/null; done', 'sh', ...layers]),
  );
  await rm(cacheDir, { recursive: true, force: true });
  await ours(v1, cacheDir);
  changed.ours.push(await ours(v2, cacheDir));
}
await rm(cacheDir, { recursive: true, force: true });

printReport({
  image: { bytes: image.bytes, layers: layers.length },
  runs,
  machine: { cpus: (await import('node:os')).availableParallelism(), node: process.version },
  results: [
    { row: 'walk and inventory, cold', target: '≤ 0.4 × tar tzf', samples: cold },
    { row: 'two small layers changed', target: '< 1 s', samples: changed },
  ],
});

async function ours(version: BenchImage['versions'][number], cache?: string): Promise<Sample> {
  const job: OurScan = {
    directory: version.directory,
    root: version.root,
    databaseDir: path.join(root, 'manifests', 'advisories'),
    ...(cache === undefined ? {} : { cacheDir: cache }),
  };
  return measure([process.execPath, path.join(root, 'bench', 'our-scan.ts'), JSON.stringify(job)]);
}

async function layerFiles({
  directory,
  root: manifest,
}: BenchImage['versions'][number]): Promise<readonly string[]> {
  const file = (hex: string): string => path.join(directory, 'blobs', 'sha256', hex);
  const parsed = parseManifest({ descriptor: manifest, bytes: await readFile(file(hexOf(manifest.digest))) });
  return parsed.layers.map(({ digest }) => file(hexOf(digest)));
}
