import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from '@oclif/core';
import { captureOutput } from '@oclif/test';

/** What a command left behind, as a shell would see it. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type EnvironmentChanges = Readonly<Record<string, string | undefined>>;

const root = fileURLToPath(new URL('../..', import.meta.url));

/** As bin/dev.js: the commands from their sources, and never a left-over manifest. */
export const loadOptions = (): NonNullable<Exclude<Parameters<typeof run>[1], string>> => {
  const pjson = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    oclif: { hooks: { command_not_found: { target: string } } };
  };
  pjson.oclif.hooks.command_not_found.target = './src/cli/command-not-found.ts';
  return {
    root,
    ignoreManifest: true,
    pjson: { ...pjson, oclif: { ...pjson.oclif, commands: './commands' } },
  } as unknown as NonNullable<Exclude<Parameters<typeof run>[1], string>>;
};

/**
 * Runs one command in this process. Captures both streams and sets the environment, which are the process's: so only from
 * `test.serial`.
 */
export async function runCommand(
  argv: readonly string[],
  changes: EnvironmentChanges = {},
): Promise<Outcome> {
  const before = { ...process.env };
  apply(changes);
  process.exitCode = undefined;
  try {
    const { stdout, stderr, error } = await captureOutput(() => run([...argv], loadOptions()));
    const exitCode = error === undefined ? exitCodeSet() : (error.oclif?.exit ?? 1);
    return { exitCode, stdout, stderr: error === undefined ? stderr : `${stderr}${error.message}\n` };
  } finally {
    process.exitCode = undefined;
    apply(Object.fromEntries(Object.keys(changes).map((name) => [name, before[name]])));
  }
}

/** What the command has set; 0 when it has not. */
const exitCodeSet = (): number => (process.exitCode as number | undefined) ?? 0;

function apply(changes: EnvironmentChanges): void {
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
}
