import { chmodSync, symlinkSync } from 'node:fs';
import test from 'ava';
import type { BuildSource } from '../../../src/manifest/image.ts';
import { readRecipe } from '../../../src/steps/build/recipe.ts';
import { temporaryDirectory } from '../../support/temp-directory.ts';

const source = {
  kind: 'build',
  dockerfile: 'Dockerfile',
  args: {},
  platform: { os: 'linux', architecture: 'amd64' },
  builder: 'engine',
} as const;

/** Computed by version 0.1.0: an image that was built by then is found by its key for ever. */
const keys: readonly (readonly [string, string, Partial<BuildSource>, string])[] = [
  [
    'no base',
    'FROM scratch\nCOPY a.txt /\n',
    {},
    '9e54fe9b11c2af6f9f8914cd1c86e5fb65dbeedcf465ccf3fbf2b211ab96af6d',
  ],
  [
    'bases, arguments and a target',
    `# syntax=docker/dockerfile:1\nARG V=1\nFROM tools@sha256:${'a'.repeat(64)} AS t\nFROM base@sha256:${'b'.repeat(64)} AS r\nARG X\nCOPY --from=t /a /a\nRUN --mount=from=mounted@sha256:${'c'.repeat(64)} x\n`,
    { args: { X: 'secret', unused: '1' }, target: 'r' },
    '062b68a9ed5e33a6e36bd3b52dfc8ffc706df91395d472eb30b5cc3449bd6569',
  ],
];
for (const [what, dockerfile, changes, key] of keys) {
  test(`the build key is that of version 0.1.0: ${what}`, async (t) => {
    const directory = await temporaryDirectory(t, { 'c/Dockerfile': dockerfile, 'c/a.txt': 'a' });
    for (const file of ['c/Dockerfile', 'c/a.txt']) chmodSync(`${directory}/${file}`, 0o644);
    chmodSync(`${directory}/c`, 0o755);
    const recipe = await readRecipe(
      { ...source, context: `${directory}/c`, ...changes },
      { engine: () => Promise.reject(new Error('not needed')), onLog: () => undefined },
    );
    t.is(recipe.key, key);
  });
}

for (const { name, dockerfile, link } of [
  { name: 'the file', dockerfile: 'Dockerfile', link: ['../real/Dockerfile', 'Dockerfile'] },
  { name: 'the file, to one beside it', dockerfile: 'Dockerfile', link: ['real/Dockerfile', 'Dockerfile'] },
  { name: 'its folder', dockerfile: 'link/Dockerfile', link: ['../real', 'link'] },
  {
    name: 'its folder, out of the context',
    dockerfile: './link/Dockerfile',
    link: ['/proc/self/cwd', 'link'],
  },
] as const)
  test(`threat: the engine would read another Dockerfile behind a link: ${name}`, async (t) => {
    const directory = await temporaryDirectory(t, {
      'real/Dockerfile': 'FROM scratch\nCOPY a.txt /\n',
      'c/real/Dockerfile': 'FROM scratch\nCOPY --from=evil /x /x\n',
      'c/a.txt': 'a',
    });
    symlinkSync(link[0], `${directory}/c/${link[1]}`);
    const error = await t.throwsAsync(
      readRecipe(
        { ...source, context: `${directory}/c`, dockerfile },
        { engine: () => Promise.reject(new Error('not needed')), onLog: () => undefined },
      ),
      { code: 'MANIFEST_INVALID' },
    );
    t.regex(error.message, name.includes('out of') ? /./ : /symbolic link/);
  });

test('a Dockerfile may be named with a leading dot', async (t) => {
  const directory = await temporaryDirectory(t, {
    'c/Dockerfile': 'FROM scratch\nCOPY a.txt /\n',
    'c/.dockerignore': 'Dockerfile\n',
    'c/a.txt': 'a',
  });
  const { context } = await readRecipe(
    { ...source, context: `${directory}/c`, dockerfile: './Dockerfile' },
    { engine: () => Promise.reject(new Error('not needed')), onLog: () => undefined },
  );
  t.true(context.entries.some(({ path }) => path === 'Dockerfile'));
});
