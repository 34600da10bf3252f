import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import path from 'node:path';
import test from 'ava';
import { mutatedArchive } from '../../support/archive-mutations.ts';
import type { OracleAnswer } from '../../support/archive-oracle.ts';
import { archiveOracle, askOracle } from '../../support/archive-oracle.ts';
import { needing } from '../../support/tools.ts';
import { difference, laxer, readArchive } from '../../support/archive-reading.ts';

/** `npm run test:fuzz` sets it to many. */
const count = Number(process.env.AMLPROMOTE_FUZZ_RUNS ?? 1000);
const batch = 500;

/** What is wrong with our reading of an archive, its contents read or skipped, beside Go's. */
async function compare(archive: Buffer, answer: OracleAnswer): Promise<readonly string[]> {
  const found: string[] = [];
  for (const wanted of [true, false]) {
    const reading = await readArchive(archive, wanted);
    found.push(difference(reading, answer) ?? '', laxer(reading, answer) ?? '');
  }
  return found.filter((text) => text !== '');
}

const reads = async (archive: Buffer): Promise<boolean> => 'members' in (await readArchive(archive, true));

test('threat 23: recorded archives are read as Go has read them, or refused', async (t) => {
  const file = path.join(import.meta.dirname, 'recorded/archives.jsonl.gz');
  const [, ...lines] = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
  t.true(lines.length >= 300);
  let accepted = 0;
  for (const [index, line] of lines.entries()) {
    const { archive, answer } = JSON.parse(line) as { archive: string; answer: OracleAnswer };
    const bytes = Buffer.from(archive, 'base64');
    t.deepEqual(await compare(bytes, answer), [], `archive ${String(index + 1)}`);
    if (await reads(bytes)) accepted += 1;
  }
  t.true(accepted >= 100, String(accepted));
});

needing({ name: 'amlpromote-oracle-archive', isHere: archiveOracle !== undefined })(
  `threat 23: ${String(count)} mutated archives are read as Go reads them, or refused`,
  async (t) => {
    t.timeout(20 * 60 * 1000);
    let accepted = 0;
    for (let from = 0; from < count; from += batch) {
      const archives = Array.from({ length: Math.min(batch, count - from) }, (_, at) =>
        mutatedArchive(from + at),
      );
      const answers = askOracle(archiveOracle!, archives);
      t.is(answers.length, archives.length);
      for (const [at, archive] of archives.entries()) {
        const answer = answers[at];
        if (!answer) continue;
        t.deepEqual(await compare(archive, answer), [], `seed ${String(from + at)}`);
        if (await reads(archive)) accepted += 1;
      }
    }
    t.true(accepted > count / 3, `only ${String(accepted)} were read by both`);
  },
);
