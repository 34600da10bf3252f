import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/**
 * Path of a program that only tests want (cosign, oras, git, an oracle of `test/oracles` …), or undefined when it is not
 * installed. Looks in PATH, in `.work/bin` (the leg without programs names an empty folder instead) and in Go's bin folder.
 */
export function findTool(name: string): string | undefined {
  const folders = [
    ...(process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== ''),
    process.env.AMLPROMOTE_TEST_TOOLS ?? path.resolve(import.meta.dirname, '../../.work/bin'),
    ...goBin(),
  ];
  return folders.map((folder) => path.join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

let known: readonly string[] | undefined;

function goBin(): readonly string[] {
  try {
    known ??= [
      path.join(
        execFileSync('go', ['env', 'GOPATH'], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        }).trim(),
        'bin',
      ),
    ];
  } catch {
    known = [path.join(process.env.HOME ?? '/root', 'go/bin')];
  }
  return known;
}
