import { lstat, readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';

/** What the tool may take on a disk, with all that npm installs beside it. */
const maxMegabytes = 120;

/**
 * Looks at an installation: how large it is, that nothing of it runs or is compiled when it is installed, and that what is
 * bundled into the package loads without what it was bundled from.
 * @param installed `…/node_modules/amlpromote`
 */
export async function checkSize(installed: string): Promise<void> {
  const modules = path.dirname(installed);
  const blocks = await blocksOf(modules);
  const megabytes = Math.ceil((blocks * 512) / 1024 ** 2);
  const lock = JSON.parse(await readFile(path.join(modules, '.package-lock.json'), 'utf8')) as {
    packages: Record<string, { hasInstallScript?: boolean }>;
  };
  const packages = Object.entries(lock.packages);
  const scripted = packages.filter(([, { hasInstallScript }]) => hasInstallScript).map(([name]) => name);
  if (scripted.length > 0) throw new Error(`packages with an install script: ${scripted.join(', ')}`);
  if (megabytes > maxMegabytes)
    throw new Error(`installed it takes ${String(megabytes)} MB, more than ${String(maxMegabytes)}`);
  const bundles = await bundlesIn(path.join(installed, 'dist/bundled'));
  if (bundles.length === 0) throw new Error('the package has no bundles');
  for (const bundle of bundles)
    await execa(process.execPath, ['--input-type=module', '--eval', `await import('${bundle}')`]);
  console.log(
    `installed: ${String(megabytes)} MB in ${String(packages.length)} packages, none with an install script`,
  );
}

/** As `du` counts, in 512 bytes: what it takes on the disk, not what is in the files. */
async function blocksOf(directory: string): Promise<number> {
  let total = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true }))
    total += (await lstat(path.join(entry.parentPath, entry.name))).blocks;
  return total;
}

/** @returns URLs */
async function bundlesIn(directory: string): Promise<readonly string[]> {
  const files = await readdir(directory, { recursive: true });
  return files
    .filter((file) => path.basename(file) === 'index.js')
    .map((file) => pathToFileURL(path.join(directory, file)).href);
}
