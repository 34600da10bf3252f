import { access, constants, readFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';

/** For scripts that may install what is missing: root on Debian, Ubuntu and their like. */
export async function isDebianRoot(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  try {
    const release = await readFile('/etc/os-release', 'utf8');
    return /^ID(?:_LIKE)?=.*\b(?:debian|ubuntu)\b/m.test(release);
  } catch {
    return false;
  }
}

/** Where a program is, as a shell would find it; the administrator's folders are looked at, too. */
export async function findProgram(name: string): Promise<string | undefined> {
  const folders = [
    ...(process.env['PATH'] ?? '').split(path.delimiter),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
  ];
  for (const folder of folders.filter((one) => one !== '')) {
    const file = path.join(folder, name);
    try {
      await access(file, constants.X_OK);
      return file;
    } catch {
      // The next one.
    }
  }
  return undefined;
}

/** Installs distribution packages, with the lists brought up to date first. False, and said why, when that fails. */
export async function aptInstall(packages: readonly string[], log: (line: string) => void): Promise<boolean> {
  log(`installing from the distribution: ${packages.join(' ')}`);
  const options = {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    all: true,
    reject: false,
    stdin: 'ignore',
  } as const;
  await execa('apt-get', ['update', '-qq'], options);
  const result = await execa(
    'apt-get',
    ['install', '-y', '-qq', '--no-install-recommends', ...packages],
    options,
  );
  if (!result.failed) return true;
  log(`apt-get install failed: ${result.all.trim().split('\n').slice(-3).join(' | ')}`);
  return false;
}
