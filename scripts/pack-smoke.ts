/**
 * `npm run smoke:pack`: packs the package, lints what is in it, installs the tarball elsewhere without development
 * dependencies and runs it there, on this Node and, where npm can get it, on the oldest that `engines` allows.
 */
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { crossSandbox } from './pack-crossing.ts';
import { checkSize } from './pack-size.ts';

const root = path.resolve(import.meta.dirname, '..');
const { name, version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
  name: string;
  version: string;
};
const work = await mkdtemp(path.join(os.tmpdir(), 'amlpromote-pack-'));
try {
  const tarball = await pack();
  await lint(tarball);
  const installed = await install(tarball);
  await checkSize(installed);
  await runs(installed, process.execPath);
  const oldest = await oldestNode();
  if (oldest) await runs(installed, oldest);
  else console.log('skipped: Node 22 (npm could not get node@22)');
  console.log('pack smoke passed');
} finally {
  await rm(work, { recursive: true, force: true });
}

async function pack(): Promise<string> {
  // Quiet when all is well; a failure throws with the output.
  await execa('npm', ['pack', '--pack-destination', work], { cwd: root });
  const tarballs = (await readdir(work)).filter((file) => file.endsWith('.tgz'));
  if (tarballs.length !== 1) throw new Error(`npm pack made ${String(tarballs.length)} tarballs`);
  return path.join(work, tarballs.join(''));
}

async function lint(tarball: string): Promise<void> {
  const { buffer } = Uint8Array.from(await readFile(tarball));
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
  for (const message of messages) console.error(formatMessage(message, pkg));
  if (messages.length > 0) throw new Error('publint has complaints');
}

async function install(tarball: string): Promise<string> {
  const directory = path.join(work, 'installed');
  await emptyPackage(directory);
  await execa('npm', ['install', '--omit=dev', '--no-audit', '--no-fund', '--ignore-scripts', tarball], {
    cwd: directory,
  });
  return path.join(directory, 'node_modules', name);
}

/** Every command is listed, loads and explains itself: a module that is missing in the package shows here. */
async function runs(installed: string, node: string): Promise<void> {
  const cli = async (...args: string[]): Promise<string> => {
    const { stdout } = await execa(node, [path.join(installed, 'bin/run.js'), ...args], { cwd: work });
    return stdout;
  };
  const nodeVersion = (await execa(node, ['--version'])).stdout;
  const about = await cli('--version');
  if (!about.includes(`${name}/${version}`)) throw new Error(`--version says ${about}`);
  if (!(await cli('--help')).includes('COMMANDS')) throw new Error('--help lists no commands');
  const manifest = JSON.parse(await readFile(path.join(installed, 'oclif.manifest.json'), 'utf8')) as {
    commands: Record<string, unknown>;
  };
  const commands = Object.keys(manifest.commands);
  if (commands.length === 0) throw new Error('the package has no commands');
  for (const command of commands) await cli(...command.split(':'), '--help');
  await crossSandbox([node, path.join(installed, 'bin/run.js')], path.join(work, `crossing-${nodeVersion}`));
  console.log(
    `Node ${nodeVersion}: ${about}; ${String(commands.length)} commands explain themselves, an image crosses the sandbox`,
  );
}

async function oldestNode(): Promise<string | undefined> {
  const directory = path.join(work, 'node22');
  await emptyPackage(directory, { allowScripts: { node: true } });
  const { failed } = await execa('npm', ['install', '--no-audit', '--no-fund', 'node@22'], {
    cwd: directory,
    stdio: 'ignore',
    reject: false,
  });
  const binary = path.join(directory, 'node_modules/node/bin/node');
  if (failed || (await execa(binary, ['--version'], { reject: false })).failed) return undefined;
  return binary;
}

async function emptyPackage(directory: string, more: object = {}): Promise<void> {
  await mkdir(directory);
  const content = { name: 'smoke', version: '0.0.0', private: true, ...more };
  await writeFile(path.join(directory, 'package.json'), JSON.stringify(content));
}
