/**
 * Records what Go makes of some of the generated archives, for machines that have no Go: as many of each outcome as there
 * is room for. `npm run tools` first. Prints where.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { mutatedArchive } from '../test/support/archive-mutations.ts';
import { archiveOracle, askOracle } from '../test/support/archive-oracle.ts';
import { readArchive } from '../test/support/archive-reading.ts';

const file = path.resolve(import.meta.dirname, '../test/oci/walk/recorded/archives.jsonl.gz');
const wanted = 400;
const perOutcome = 40;

if (archiveOracle === undefined) throw new Error('amlpromote-oracle-archive is not here: npm run tools');
const outcomes = new Map<string, number>();
const archives = Array.from({ length: 6000 }, (_, seed) => mutatedArchive(seed));
const chosen: string[] = [];
for (const [at, answer] of askOracle(archiveOracle, archives).entries()) {
  const archive = archives[at];
  if (!archive || chosen.length >= wanted) break;
  const reading = await readArchive(archive, true);
  const kinds = answer.members.map(({ type }) => type).join('');
  const outcome =
    'refused' in reading
      ? `${reading.refused} ${answer.error ?? ''}`
      : `read ${String(kinds.length)} ${[...new Set(kinds)].join('')}`;
  const count = outcomes.get(outcome) ?? 0;
  outcomes.set(outcome, count + 1);
  if (count < perOutcome / (outcome.startsWith('read') ? 4 : 20))
    chosen.push(JSON.stringify({ archive: archive.toString('base64'), answer }));
}
const oracle = execFileSync('go', ['version', '-m', archiveOracle], { encoding: 'utf8' });
const zstd = /klauspost\/compress\s+(\S+)/.exec(oracle)?.[1] ?? 'unknown';
const go = /: (go\S+)/.exec(oracle)?.[1] ?? 'unknown';
const head = {
  oracle: `archive/tar and compress/gzip of ${go}; klauspost/compress ${zstd}`,
  date: new Date().toISOString().slice(0, 10),
};
writeFileSync(file, gzipSync([JSON.stringify(head), ...chosen, ''].join('\n'), { level: 9 }));
process.stdout.write(`${String(chosen.length)} archives in ${file}\n`);
