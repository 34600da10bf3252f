import { readFileSync } from 'node:fs';
import test from 'ava';
import type { Digest } from '../../src/domain/digest.ts';
import type { ReleaseDocument } from '../../src/domain/release.ts';
import { startCommand } from '../e2e/process.ts';
import { startTwoZones } from '../support/two-zones.ts';
import type { TwoZones } from '../support/two-zones.ts';

/** CI runners: a process, a store and a home of their own. */
async function outside(zones: TwoZones, image: string, runner: string) {
  const out = zones.file(`${runner}.json`);
  const { exitCode, stderr } = await startCommand(
    ['promote', image, '--zones', zones.zones.outside, '--outside', '--out', out],
    {
      cwd: zones.file('.'),
      env: {
        PATH: process.env.PATH ?? '',
        HOME: zones.file(runner),
        AMLPROMOTE_STORE: zones.file(`${runner}-store`),
        AMLPROMOTE_CACHE: zones.file(`${runner}-cache`),
      },
    },
  ).ended;
  return {
    exitCode,
    stderr,
    document: exitCode === 0 ? (JSON.parse(readFileSync(out, 'utf8')) as ReleaseDocument) : undefined,
  };
}

const referrersOf = (zones: TwoZones, repository: string, digest: Digest): number =>
  zones.sandbox.context.stores.nonsensitive.repository(repository)?.referrersOf(digest).length ?? -1;

test('three promotions from three empty stores, one after the other: one release, one set of referrers', async (t) => {
  const zones = await startTwoZones();
  t.teardown(async () => zones.close());
  const { file, digest } = zones.image('in-turn');
  const made = [];
  for (const runner of ['one', 'two', 'three']) {
    const ended = await outside(zones, file, runner);
    t.is(ended.exitCode, 0, ended.stderr);
    made.push({ document: ended.document, referrers: referrersOf(zones, 'ml/in-turn', digest) });
  }
  t.deepEqual(made[1], made[0]);
  t.deepEqual(made[2], made[0]);
});

test('threat 38: three at once: a counter names one index, and then there is one to go on with', async (t) => {
  const zones = await startTwoZones();
  t.teardown(async () => zones.close());
  const { file } = zones.image('at-once');
  const ended = await Promise.all(['one', 'two', 'three'].map((runner) => outside(zones, file, runner)));
  const tags = () => zones.sandbox.context.stores.nonsensitive.repository('ml/at-once')?.data.tags ?? {};
  for (const { exitCode, stderr, document } of ended) {
    t.is(exitCode, 0, stderr);
    t.is(tags()[`release-${document?.release}`]?.digest, document?.index.digest);
  }
  const after = await outside(zones, file, 'four');
  const again = await outside(zones, file, 'five');
  t.is(again.exitCode, 0, again.stderr);
  t.deepEqual(again.document, after.document);
});
