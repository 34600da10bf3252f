import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findProgram } from './system.ts';

/** What POSIX has on every machine and the tests use. Nothing else is there: no git, no jq, no package manager, no engine. */
const everywhere = ['sh', 'mkfifo'];

export interface BareEnvironment {
  /** All of it: nothing of this process's environment is added. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** The machine of a newcomer: Node, a shell, an empty home. No program that a test could want is to be found from it. */
export async function bareEnvironment(): Promise<BareEnvironment> {
  const folder = await mkdtemp(path.join(tmpdir(), 'amlpromote-bare-'));
  const [bin, home, tools] = ['bin', 'home', 'tools'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const one of [bin, home, tools]) await mkdir(one);
  await symlink(process.execPath, path.join(bin, 'node'));
  for (const name of everywhere) {
    const program = await findProgram(name);
    if (program === undefined) throw new Error(`${name} is not here`);
    await symlink(program, path.join(bin, name));
  }
  return {
    env: { PATH: bin, HOME: home, TMPDIR: tmpdir(), AMLPROMOTE_TEST_TOOLS: tools },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
