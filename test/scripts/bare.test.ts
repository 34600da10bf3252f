import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import test from 'ava';
import { bareEnvironment } from '../../scripts/bare.ts';

test('of all programs only Node and what POSIX has are found, wherever the tests look', async (t) => {
  const bare = await bareEnvironment();
  const { env } = bare;
  t.deepEqual(readdirSync(env['PATH'] ?? '').sort(), ['mkfifo', 'node', 'sh']);
  t.deepEqual(readdirSync(env['HOME'] ?? ''), []);
  const names = [
    'node',
    'git',
    'jq',
    'openssl',
    'dpkg',
    'docker',
    'go',
    'cosign',
    'amlpromote-oracle-notation',
  ];
  const script = `
    const { findTool } = await import(${JSON.stringify(new URL('../support/find-tool.ts', import.meta.url).href)});
    console.log(JSON.stringify(process.argv.slice(1).filter((name) => findTool(name) !== undefined)));`;
  const found = execFileSync('node', ['--input-type=module', '--eval', script, ...names], {
    env,
    encoding: 'utf8',
  });
  t.deepEqual(JSON.parse(found), ['node']);
  t.is(env['DOCKER_HOST'], undefined);
  await bare.close();
  t.false(existsSync(env['HOME'] ?? ''));
});
