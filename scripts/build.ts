/** `npm run build`: TypeScript → dist, for the published package. Development and tests run the sources. */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { bundleLibraries } from './bundle.ts';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');

await rm(dist, { recursive: true, force: true });
await execa('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, preferLocal: true, stdio: 'inherit' });

// What is not TypeScript but read beside it.
for (const directory of ['src', 'commands', 'sandbox'])
  await cp(path.join(root, directory), path.join(dist, directory), {
    recursive: true,
    filter: (source) =>
      !source.endsWith('.ts') && !source.endsWith('.md') && path.relative(root, source) !== 'sandbox/test',
  });

// A path from a source file to package.json must lead to one from the built file as well.
const { name, version, type } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as Record<
  string,
  string
>;
await mkdir(dist, { recursive: true });
await writeFile(
  path.join(dist, 'package.json'),
  `${JSON.stringify({ name, version, type, private: true }, undefined, 2)}\n`,
);

await bundleLibraries(root, dist);
