import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { AmlpromoteError } from '../src/domain/errors.ts';

const suite = 'bookworm';
const packages = ['python3-minimal', 'python3-numpy'];

/** Day of Debian 12's release: the time of every file, so that two runs differ in their packages only. */
export const fileTime = '2023-06-10T00:00:00Z';

/** What an image does not need, and what is this machine's own (resolver, host name, mirror). */
const unwanted = [
  'etc/hostname',
  'etc/machine-id',
  'etc/resolv.conf',
  'etc/apt/sources.list',
  'usr/share/info',
  'usr/share/lintian',
  'usr/share/locale',
  'usr/share/man',
  'var/cache/apt',
  'var/cache/ldconfig',
  'var/cache/debconf',
  'var/lib/apt/lists',
  'var/log',
];

/** Debian's base system with Python and numpy as a tar, in the same order and with the same times whenever it is made. */
export async function debianRootfs(
  folder: string,
  archive: string,
  log: (line: string) => void,
): Promise<void> {
  const { mirror, keyring } = await mirrorOf(suite);
  await run(
    'debootstrap',
    [
      '--variant=minbase',
      `--include=${packages.join(',')}`,
      ...(keyring === undefined ? [] : [`--keyring=${keyring}`]),
      suite,
      folder,
      ...(mirror === undefined ? [] : [mirror]),
    ],
    // Nothing is lost when the machine stops half-way: the folder is made anew.
    { ...(await proxies()), DPKG_FORCE: 'unsafe-io' },
    log,
  );
  for (const name of unwanted) await rm(path.join(folder, name), { recursive: true, force: true });
  for (const name of [
    'var/cache/apt/archives/partial',
    'var/lib/apt/lists/partial',
    'var/log',
    'var/cache/debconf',
  ]) {
    await run('mkdir', ['-p', path.join(folder, name)]);
  }
  await keepLicences(path.join(folder, 'usr/share/doc'));
  // Compiled Python carries the times of its sources, which are set anew below.
  await run('find', [
    folder,
    '-name',
    '__pycache__',
    '-type',
    'd',
    '-prune',
    '-exec',
    'rm',
    '-rf',
    '{}',
    '+',
  ]);
  await run('find', [path.join(folder, 'var/lib/dpkg'), '-name', '*-old', '-delete']);
  await fixPasswordDates(path.join(folder, 'etc/shadow'));
  await run('tar', [
    ...['--create', '--file', archive, '--directory', folder],
    ...['--sort=name', `--mtime=${fileTime}`, '--numeric-owner', '--format=posix'],
    '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
    ...['--exclude=./dev/*', '.'],
  ]);
}

/** Where this machine gets the suite's packages, from apt's own configuration; nothing for another distribution's. */
async function mirrorOf(wanted: string): Promise<{ mirror?: string; keyring?: string }> {
  const format = '$(CODENAME)|$(SUITE)|$(COMPONENT)|$(SITE)|$(REPO_URI)|$(SIGNED_BY)';
  const targets = await execa('apt-get', ['indextargets', '--format', format], { reject: false });
  if (targets.failed) return {};
  for (const line of targets.stdout.split('\n')) {
    const [codename, , component, , uri, signedBy] = line.split('|');
    if (codename !== wanted || component !== 'main' || !uri || !/^https?:/.test(uri)) continue;
    return { mirror: uri, ...(signedBy?.startsWith('/') ? { keyring: signedBy } : {}) };
  }
  return {};
}

/** apt's proxies, for a debootstrap that only knows the usual variables. */
async function proxies(): Promise<Record<string, string>> {
  const configured = await execa(
    'apt-config',
    ['shell', 'http_proxy', 'Acquire::http::Proxy', 'https_proxy', 'Acquire::https::Proxy'],
    { reject: false },
  );
  if (configured.failed) return {};
  const found = [...configured.stdout.matchAll(/^(https?_proxy)='([^']*)'$/gm)];
  return Object.fromEntries(
    found.flatMap(([, name = '', value = '']) => (value === '' || value === 'DIRECT' ? [] : [[name, value]])),
  );
}

/** Documentation goes, licences stay. */
async function keepLicences(folder: string): Promise<void> {
  await run('find', [folder, '-type', 'f', '!', '-name', 'copyright', '-delete']);
  await run('find', [folder, '-type', 'd', '-empty', '-delete']);
  await readdir(folder);
}

/** "Last changed" is the day of the installation. */
async function fixPasswordDates(file: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replaceAll(/^([^:]*:[^:]*):\d*:/gm, '$1:19518:'));
}

async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  log?: (line: string) => void,
): Promise<void> {
  const child = execa(program, args, { env, all: true, reject: false, stdin: 'ignore' });
  let shown = performance.now();
  for await (const line of child.iterable({ from: 'all' })) {
    // Some hundred lines in a minute; one now and then shows that it goes on.
    if (!log || performance.now() - shown < 5000) continue;
    shown = performance.now();
    log(`  ${line}`);
  }
  const result = await child;
  if (!result.failed) return;
  throw new AmlpromoteError(
    'UNREACHABLE',
    `${program} failed: ${result.all.trim().split('\n').slice(-3).join(' | ')}`,
    {
      nextSteps: ['Check that apt-get can install packages on this machine, then run again.'],
    },
  );
}
