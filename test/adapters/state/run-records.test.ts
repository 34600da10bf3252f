import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import anyTest from 'ava';
import { openRunRecords } from '../../../src/adapters/state/run-records.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import type { RunRecord } from '../../../src/ports/run-records.ts';
import { temporaryDirectory } from '../../support/temp-directory.ts';

/** Owners and modes are what keeps others out; Windows has neither. */
const test = process.platform === 'win32' ? anyTest.skip : anyTest;

const workspace = '/subscriptions/s/resourcegroups/rg/providers/x/workspaces/ml-risk';

function record(n: number, changes: Partial<RunRecord> = {}): RunRecord {
  const name = `amlpromote-churn-train-${'a'.repeat(12)}-${String(n).padStart(32, '0')}`;
  return {
    workspace,
    environment: { name: 'churn-train', version: '1.4.0' },
    image: sha256('image'),
    release: sha256('release'),
    job: { name, id: `${workspace}/jobs/${name}` },
    definition: {
      name,
      experiment: 'amlpromote-smoke-churn-train',
      environmentId: `${workspace}/environments/churn-train/versions/1.4.0`,
      compute: 'cpu-cluster',
      command: 'python train.py',
      inputs: { rounds: { type: 'literal', value: '10' } },
      outputs: {
        model: { type: 'uri_folder', uri: 'azureml://datastores/d/paths/x/' },
        other: { type: 'uri_file' },
      },
      timeoutSeconds: 600,
    },
    state: 'submitted',
    outputs: {},
    at: new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString(),
    ...changes,
  };
}

async function open(t: Parameters<typeof temporaryDirectory>[0]) {
  const directory = path.join(await temporaryDirectory(t), 'state/amlpromote/runs');
  const fileOf = async (): Promise<string> => path.join(directory, (await readdir(directory))[0]!);
  return { directory, records: openRunRecords(directory), fileOf };
}

test('no directory, no records; nothing is made by looking', async (t) => {
  const { directory, records } = await open(t);
  t.deepEqual(await records.list(workspace), { records: [], ignored: [] });
  await t.throwsAsync(stat(directory), { code: 'ENOENT' });
});

test('what was saved is found by another process, newest first, by workspace in any case', async (t) => {
  const { directory, records } = await open(t);
  await records.save(record(1));
  await records.save(record(3));
  await records.save(record(2, { workspace: '/other' }));
  const done = record(1, { state: 'completed', outputs: { model: 'azureml://datastores/d/paths/x/' } });
  await records.save(done);
  const again = openRunRecords(directory);
  t.deepEqual((await again.list(workspace.toUpperCase())).records, [record(3), done]);
  t.deepEqual((await again.list('/other')).records, [record(2, { workspace: '/other' })]);
});

test('files are 0600 in a directory of 0700, and nothing else is left there', async (t) => {
  const { directory, records, fileOf } = await open(t);
  await records.save(record(1));
  await records.save(record(1, { state: 'closed' }));
  t.is((await readdir(directory)).length, 1);
  t.is((await stat(directory)).mode & 0o777, 0o700);
  t.is((await stat(await fileOf())).mode & 0o777, 0o600);
});

test('a name of 255 characters fits', async (t) => {
  const { records } = await open(t);
  const name = `${'n'.repeat(222)}-${'0'.repeat(32)}`;
  const long = record(1, { job: { name, id: `${workspace}/jobs/${name}` } });
  await records.save({ ...long, definition: { ...long.definition, name } });
  t.is((await records.list(workspace)).records[0]?.job.name, name);
});

test('one process writes while others read: each sees a whole record', async (t) => {
  const { directory, records } = await open(t);
  await records.save(record(1));
  const write = async (): Promise<void> => {
    for (let n = 0; n < 30; n += 1) await records.save(record(1, { outputs: { n: String(n).repeat(200) } }));
  };
  const read = async (): Promise<void> => {
    for (let n = 0; n < 30; n += 1) {
      const { records: found, ignored } = await openRunRecords(directory).list(workspace);
      t.deepEqual([found.length, ignored], [1, []]);
    }
  };
  await Promise.all([write(), write(), read(), read()]);
});

const ignored = anyTest.macro({
  exec: async (t, spoil: (file: string, directory: string) => Promise<unknown>, reason: RegExp) => {
    const { directory, records, fileOf } = await open(t);
    await records.save(record(1));
    await spoil(await fileOf(), directory);
    await records.save(record(2));
    const found = await records.list(workspace);
    t.deepEqual(
      found.records.map(({ job }) => job.name),
      [record(2).job.name],
    );
    t.is(found.ignored.length, 1);
    t.regex(found.ignored[0]!, reason);
  },
  title: (name = '') => `not used, and named: ${name}`,
});
const edit = (change: (text: string) => string) => async (file: string) =>
  writeFile(file, change(await readFile(file, 'utf8')));

test(
  'an empty file',
  ignored,
  edit(() => ''),
  /not valid JSON/,
);
test(
  'half a file',
  ignored,
  edit((text) => text.slice(0, 100)),
  /unterminated/,
);
test(
  'another shape',
  ignored,
  edit(() => '{"format":1}'),
  /not a run record/,
);
test(
  'a duplicate key',
  ignored,
  edit((text) => text.replace('{', '{"format":1,')),
  /duplicate key/,
);
test(
  'a member more',
  ignored,
  edit((text) => text.replace('{', '{"more":1,')),
  /not a run record/,
);
test(
  'a later format',
  ignored,
  edit((text) => text.replace('"format":1', '"format":2')),
  /not a run record/,
);
test(
  'a definition that was edited',
  ignored,
  edit((text) => text.replace('train.py', 'evil.py')),
  /was changed/,
);
test(
  'a job that was edited',
  ignored,
  edit((text) =>
    text
      .replace('"job":{"id"', '"job":{"name":"x","id"')
      .replace(/,"name":"amlpromote[^"]*"\},"outputs"/, '},"outputs"'),
  ),
  /names two jobs/,
);
test('a file that others may write', ignored, (file) => chmod(file, 0o666), /open to other users/);
test('a file that others may read', ignored, (file) => chmod(file, 0o644), /open to other users/);
test(
  'too much',
  ignored,
  edit((text) => text + ' '.repeat(2 ** 20)),
  /larger than/,
);
test(
  'a directory',
  ignored,
  async (file) => {
    await rm(file);
    await mkdir(file);
  },
  /not a regular file/,
);
test(
  'a link',
  ignored,
  async (file, directory) => {
    const elsewhere = path.join(directory, 'elsewhere');
    await rename(file, elsewhere);
    await symlink(elsewhere, file);
  },
  /cannot be read \(ELOOP\)/,
);
test(
  'a copy under another name',
  ignored,
  async (file, directory) => {
    await rename(file, path.join(directory, `${'0'.repeat(40)}.json`));
  },
  /another's place/,
);

test('a directory that others may write is refused before anything is submitted', async (t) => {
  const { directory, records } = await open(t);
  await records.save(record(1));
  await chmod(directory, 0o777);
  for (const attempt of [records.list(workspace), records.save(record(2))]) {
    const error = await t.throwsAsync(attempt, { instanceOf: AmlpromoteError });
    t.is(error.code, 'FORBIDDEN');
    t.is(error.exitCode, 20);
    t.regex(error.nextSteps.join(' '), /chmod 700.*XDG_STATE_HOME/);
  }
});

test('a file where the directory should be: exit 2, with another way', async (t) => {
  const parent = await temporaryDirectory(t, { state: 'x' });
  for (const directory of [path.join(parent, 'state'), path.join(parent, 'state/amlpromote/runs')]) {
    const records = openRunRecords(directory);
    for (const attempt of [records.list(workspace), records.save(record(1))]) {
      const error = await t.throwsAsync(attempt, { instanceOf: AmlpromoteError });
      t.is(error.code, 'USAGE');
      t.regex(error.nextSteps.join(' '), /XDG_STATE_HOME/);
    }
  }
});

const asOther = process.getuid?.() === 0 ? anyTest.skip : test;
asOther('a directory that may not be written: FORBIDDEN (needs a user other than root)', async (t) => {
  const parent = await temporaryDirectory(t);
  await chmod(parent, 0o500);
  const error = await t.throwsAsync(openRunRecords(path.join(parent, 'runs')).save(record(1)), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'FORBIDDEN');
  await chmod(parent, 0o700);
});

test('finished runs are kept to fifty an environment; what may still run is never forgotten', async (t) => {
  const { records } = await open(t);
  await records.save(record(0));
  for (let n = 1; n <= 55; n += 1) await records.save(record(n, { state: n % 2 ? 'completed' : 'closed' }));
  await records.save(record(99, { environment: { name: 'other', version: '1' }, state: 'completed' }));
  const { records: left } = await records.list(workspace);
  t.is(left.length, 50 + 1 + 1);
  t.is(left.at(-1)?.job.name, record(0).job.name);
  t.is(left.at(-2)?.job.name, record(6).job.name);
});

test('the last completed run is kept, however many failed after it', async (t) => {
  const { records } = await open(t);
  for (let n = 1; n <= 60; n += 1) await records.save(record(n, { state: n === 2 ? 'completed' : 'closed' }));
  const { records: left } = await records.list(workspace);
  t.is(left.length, 51);
  t.is(left.at(-1)?.job.name, record(2).job.name);
});
