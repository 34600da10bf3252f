import { Readable } from 'node:stream';
import test from 'ava';
import { readTriggers } from '../../../src/adapters/docker/triggers.ts';
import { tarArchive } from '../../support/tar-archive.ts';

const archiveOf = (config: unknown): Readable =>
  Readable.from(
    [
      tarArchive(
        { name: 'aa.tar', content: 'a layer' },
        { name: 'bb.json', content: JSON.stringify(config) },
        { name: 'bb/layer.tar', type: '2', link: '../aa.tar' },
        { name: 'manifest.json', content: '[{"Config":"bb.json","RepoTags":["x:1"],"Layers":["aa.tar"]}]' },
      ),
    ],
    { objectMode: false },
  );
const imageOf = (config: unknown): object => ({
  os: 'linux',
  architecture: 'amd64',
  config,
  rootfs: { type: 'layers', diff_ids: [] },
});

for (const [what, config, expected] of [
  ['two instructions', { OnBuild: ['COPY --from=evil /x /x', 'RUN x'] }, ['COPY --from=evil /x /x', 'RUN x']],
  ['none', { Env: ['A=b'] }, []],
  ['null', { OnBuild: null }, []],
  ['no config at all', undefined, []],
] as const) {
  test(`ONBUILD in an archive: ${what}`, async (t) => {
    t.deepEqual(await readTriggers(archiveOf(imageOf(config))), expected);
  });
}

for (const [what, archive] of [
  ['no text', () => archiveOf(imageOf({ OnBuild: [1] }))],
  ['another spelling', () => archiveOf(imageOf({ onBuild: ['RUN x'] }))],
  [
    'no configuration',
    () => Readable.from([tarArchive({ name: 'manifest.json', content: '[{"Config":"b","Layers":[]}]' })]),
  ],
  ['no tar', () => Readable.from([Buffer.alloc(2048, 'x')])],
] as const) {
  test(`threat 5: an archive whose ONBUILD cannot be read is refused, not passed over: ${what}`, async (t) => {
    await t.throwsAsync(readTriggers(archive()), { code: 'CONTENT_INVALID' });
  });
}

test('an archive that breaks off is an error', async (t) => {
  const archive = new Readable({ read() {} });
  archive.push(tarArchive({ name: 'aa.tar', content: 'a layer' }).subarray(0, 600));
  setImmediate(() => archive.destroy(new Error('connection reset')));
  await t.throwsAsync(readTriggers(archive), { message: 'connection reset' });
});
