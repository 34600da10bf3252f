import { readFileSync } from 'node:fs';
import test from 'ava';
import type { Digest } from '../../src/domain/digest.ts';
import type { ReleaseDocument } from '../../src/domain/release.ts';
import { startCommand } from '../e2e/process.ts';
import { startTwoZones } from '../support/two-zones.ts';

test('threat 38: imports in processes of their own, at once: what is tagged in the end is what verify allows', async (t) => {
  const zones = await startTwoZones();
  t.teardown(async () => zones.close());
  const repository = 'ml/at-once';
  const releases: { readonly file: string; readonly document: ReleaseDocument; readonly image: Digest }[] =
    [];
  for (const version of ['1.4.0', '1.5.0']) {
    const image = zones.image('at-once', { version, files: { 'app/version.txt': version } });
    const file = zones.file(`${version}.json`);
    await zones.json(t, 'promote', ['promote', image.file, '--outside', '--out', file]);
    const document = JSON.parse(readFileSync(file, 'utf8')) as ReleaseDocument;
    releases.push({ file, document, image: image.digest });
  }
  const [older, newer] = [releases[0]!, releases[1]!];
  const importing = ({ file }: { readonly file: string }) =>
    startCommand(['import', file, '--zones', zones.zones.inside, '--json'], {
      cwd: zones.file('.'),
      env: {
        PATH: process.env.PATH ?? '',
        HOME: zones.file('.'),
        AMLPROMOTE_CACHE: zones.file('cache'),
      },
    }).ended;
  const ended = await Promise.all([older, newer, older, newer].map(importing));
  const told = ended.map(({ exitCode, stdout, stderr }) => `${exitCode} ${stdout} ${stderr}`).join('\n');
  for (const { exitCode } of ended) t.true([0, 10, 20].includes(exitCode ?? -1), told);
  t.true(
    ended.some(({ exitCode }) => exitCode === 0),
    told,
  );

  // Whoever could not end runs again.
  const { already } = await zones.json(t, 'import', ['import', newer.file]);
  t.is(typeof already, 'boolean');
  await zones.json(t, 'verify', ['verify', newer.file]);
  const tags = zones.sandbox.context.stores.sensitive.repository(repository)?.data.tags ?? {};
  t.is(tags['release-2']?.digest, newer.document.index.digest);
  t.is(tags['1.5.0']?.digest, newer.image);
  for (const tag of ['release-2', '1.5.0'])
    t.false(tags[tag]?.attributes.writeEnabled, `${tag} is not locked`);
  if (tags['release-1']) {
    t.is(tags['release-1'].digest, older.document.index.digest);
    t.is(tags['1.4.0']?.digest, older.image);
  }
});
