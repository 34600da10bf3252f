import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { gitSourceFacts, withoutCredentials } from '../../../src/adapters/git/source-facts.ts';
import { temporaryDirectory } from '../../support/temp-directory.ts';
import { findTool, needing } from '../../support/tools.ts';

const program = findTool('git') ?? '';
const options = { path: path.dirname(program) };

const git = (directory: string, ...args: string[]): string =>
  execFileSync(program, ['-C', directory, '-c', 'user.name=t', '-c', 'user.email=t@t.test', ...args], {
    encoding: 'utf8',
  });

needing('git')('commit, origin without credentials, and whether the folder differs', async (t) => {
  const directory = await temporaryDirectory(t, { 'ctx/a.txt': 'a', 'other.txt': 'o' });
  const facts = gitSourceFacts(options);
  t.is(await facts(path.join(directory, 'ctx')), undefined);
  git(directory, 'init', '-q');
  t.is(await facts(path.join(directory, 'ctx')), undefined, 'no commit yet');
  git(directory, 'add', '.');
  git(directory, 'commit', '-q', '-m', 'first');
  git(directory, 'remote', 'add', 'origin', 'https://user:secret@git.test/team/churn.git?token=x');
  const commit = git(directory, 'rev-parse', 'HEAD').trim();
  const clean = { commit, dirty: false, repository: 'https://git.test/team/churn.git' };
  t.deepEqual(await facts(path.join(directory, 'ctx')), clean);
  await writeFile(path.join(directory, 'other.txt'), 'changed');
  t.deepEqual(await facts(path.join(directory, 'ctx')), clean, 'outside of the context');
  await writeFile(path.join(directory, 'ctx/new.txt'), 'n');
  t.deepEqual(await facts(path.join(directory, 'ctx')), { ...clean, dirty: true });
});

test('without git, or without the folder, there are no facts', async (t) => {
  t.is(await gitSourceFacts({ path: '/nonexistent' })('/tmp'), undefined);
  t.is(await gitSourceFacts(options)('/nonexistent'), undefined);
});

for (const [origin, expected] of [
  ['https://user:token@host.test/a/b.git', 'https://host.test/a/b.git'],
  ['https://host.test:8443/a?private_token=x#f', 'https://host.test:8443/a'],
  ['ssh://git@host.test:2222/a.git', 'ssh://host.test:2222/a.git'],
  ['git@host.test:team/a.git', 'ssh://host.test/team/a.git'],
  ['/home/me/secret-project', undefined],
  ['file:///home/me/a', undefined],
  ['C:\\repos\\a', undefined],
  ['', undefined],
] as const) {
  test(`origin ${origin || '(none)'}`, (t) => {
    t.is(withoutCredentials(origin), expected);
  });
}
