/**
 * `node bench/context.ts [--files 20000] [--runs 5] [--dir .work/bench]`: reading a build context of many small files to answer
 * "is it built?", unknown and known, against `sha256sum` of the same files. Runs alternate; medians are printed.
 */
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Sample } from './measure.ts';
import { measure } from './measure.ts';
import { printReport } from './report.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '20000' },
    runs: { type: 'string', default: '5' },
    dir: { type: 'string', default: path.join(root, '.work', 'bench') },
  },
});
const files = Number(values.files);
const runs = Number(values.runs);
const context = path.join(values.dir, `context-${values.files}`);
const cache = path.join(values.dir, 'context-cache');
const bytes = await makeContext();
await rm(cache, { recursive: true, force: true });
// What has just been written is not remembered.
await delay(65_000);
await ours(cache);

const unknown = { ours: [] as Sample[], sha256sum: [] as Sample[] };
const known = { ours: [] as Sample[] };
for (let run = 0; run < runs; run += 1) {
  unknown.ours.push(await ours());
  unknown.sha256sum.push(
    await measure([
      'sh',
      '-c',
      'find "$1" -type f -print0 | xargs -0 sha256sum | sort | sha256sum',
      'sh',
      context,
    ]),
  );
  known.ours.push(await ours(cache));
}
await rm(cache, { recursive: true, force: true });

printReport({
  image: { bytes, layers: 1 },
  runs,
  machine: { cpus: os.availableParallelism(), node: process.version },
  results: [
    { row: `a context of ${values.files} files, unknown`, target: '< 2 s', samples: unknown },
    { row: 'the same, known', target: '≤ 0.5 s', samples: known },
  ],
});

async function ours(directory?: string): Promise<Sample> {
  const script = path.join(root, 'bench', 'our-context.ts');
  return measure([process.execPath, script, context, ...(directory === undefined ? [] : [directory])]);
}

/** About 6 KB a file, a hundred to a folder. */
async function makeContext(): Promise<number> {
  const line = `${'x'.repeat(79)}\n`;
  const sizes = Array.from({ length: files }, (_, index) => 20 + ((index * 7) % 100));
  const made = path.join(context, 'Dockerfile');
  const isMade = await stat(made).then(
    () => true,
    () => false,
  );
  if (!isMade) {
    for (const [index, lines] of sizes.entries()) {
      const folder = path.join(context, `d${String(Math.floor(index / 100))}`);
      if (index % 100 === 0) await mkdir(folder, { recursive: true });
      await writeFile(path.join(folder, `f${String(index)}.py`), `${line.repeat(lines)}${String(index)}\n`);
    }
    await writeFile(made, 'FROM scratch\nCOPY . /\n');
  }
  return sizes.reduce((sum, lines) => sum + lines * line.length, 0);
}
