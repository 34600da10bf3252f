import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { temporaryDirectory } from '../support/temp-directory.ts';

const root = new URL('../../', import.meta.url);
const { dependencies } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  dependencies: Record<string, string>;
};
/** Everything that we depend on but the command line itself: some of it takes longer to load than most commands to run. */
const heavy = Object.keys(dependencies).filter((name) => name !== '@oclif/core');

/** Tells every module that is loaded, by `import` or `require`, on file descriptor 3. */
const recorder = `
  import { writeSync } from 'node:fs';
  import { registerHooks } from 'node:module';
  registerHooks({ load: (url, context, next) => { writeSync(3, url + '\\n'); return next(url, context); } });`;

async function loadedBy(t: ExecutionContext, argv: readonly string[], exitCode = 0): Promise<string[]> {
  const directory = await temporaryDirectory(t);
  const { status, output, stderr } = spawnSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      `--import=data:text/javascript,${encodeURIComponent(recorder)}`,
      fileURLToPath(new URL('bin/dev.js', root)),
      ...argv,
    ],
    {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  t.is(status, exitCode, stderr);
  const modules = (output[3] ?? '').trim().split('\n');
  t.true(
    modules.some((url) => url.includes('/node_modules/@oclif/core/')),
    'the recorder records',
  );
  return modules;
}

const packagesOf = (modules: readonly string[]): readonly string[] => [
  ...new Set(modules.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? [])),
];

for (const argv of [
  ['--version'],
  ['--help'],
  ['sandbox', 'status', '--dir', 'nowhere'],
  ['promote', '--no-such-flag'],
])
  test(`${argv.join(' ')} loads none of the heavy libraries`, async (t) => {
    const modules = await loadedBy(t, argv, argv.includes('--no-such-flag') ? 2 : 0);
    t.deepEqual(
      packagesOf(modules).filter((name) => heavy.includes(name) || name.startsWith('@azure')),
      [],
    );
    t.false(modules.some((url) => url.includes('/src/adapters/')));
  });

test('a manifest that does not load costs its parser and schema, and no SDK', async (t) => {
  const packages = packagesOf(await loadedBy(t, ['build', 'none.yaml'], 2));
  t.deepEqual(
    packages.filter((name) => heavy.includes(name)).sort(),
    ['yaml', 'zod'].filter((name) => packages.includes(name)),
  );
});
