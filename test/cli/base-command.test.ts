import * as Flags from '@oclif/core/flags';
import { captureOutput } from '@oclif/test';
import test from 'ava';
import { BaseCommand } from '../../src/cli/base-command.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { loadOptions } from '../support/command-line.ts';
import type { Outcome } from '../support/command-line.ts';

/** A command that does what its test wants. */
let act: (command: Act) => unknown;
class Act extends BaseCommand {
  static override flags = { wanted: Flags.string({ required: true }) };

  async run(): Promise<unknown> {
    await this.parse(Act);
    return await act(this);
  }

  say = (text: string): void => this.print(text);
  end = (exitCode: number): void => this.conclude(exitCode);
  stopped = (): AbortSignal => this.signal;
}
Act.id = 'act';

async function run(argv: readonly string[], body: typeof act): Promise<Outcome & { error?: Error }> {
  act = body;
  process.exitCode = undefined;
  try {
    const { stdout, stderr, error } = await captureOutput(() => Act.run([...argv], loadOptions()));
    const set = (process.exitCode as number | undefined) ?? 0;
    return {
      stdout,
      stderr,
      exitCode: error === undefined ? set : (error.oclif?.exit ?? 1),
      ...(error ? { error } : {}),
    };
  } finally {
    process.exitCode = undefined;
  }
}

const fine = ['--wanted', 'x'];
const refusing = (): never => {
  throw new AmlpromoteError('TAG_CONFLICT', 'the tag is taken', { nextSteps: ['Raise the version.'] });
};

test.serial('for people a result is text, under --json one document', async (t) => {
  const answer = (command: Act): object => {
    command.say('all is well');
    return { well: true };
  };
  const told = await run(fine, answer);
  t.deepEqual([told.exitCode, told.stdout, told.stderr], [0, 'all is well\n', '']);
  const json = await run([...fine, '--json'], answer);
  t.deepEqual(JSON.parse(json.stdout), { well: true });
});

test.serial('an answer that is a "no" is printed all the same, and told by exit code', async (t) => {
  const refuse = (command: Act): object => {
    command.end(10);
    return { verdict: 'refused' };
  };
  t.is((await run(fine, refuse)).exitCode, 10);
  const json = await run([...fine, '--json'], refuse);
  t.is(json.exitCode, 10);
  t.deepEqual(JSON.parse(json.stdout), { verdict: 'refused' });
});

test.serial('an error has the same exit code in both forms', async (t) => {
  const told = await run(fine, refusing);
  t.deepEqual(
    [told.exitCode, told.stdout, told.stderr],
    [10, '', 'refused (TAG_CONFLICT): the tag is taken\n  next: Raise the version.\n'],
  );
  const json = await run([...fine, '--json'], refusing);
  t.is(json.exitCode, 10);
  t.deepEqual(JSON.parse(json.stdout), {
    error: { code: 'TAG_CONFLICT', message: 'the tag is taken', nextSteps: ['Raise the version.'] },
  });
});

test.serial('a mistake in the flags is USAGE, exit 2, and no dump of the configuration', async (t) => {
  t.is((await run([], refusing)).exitCode, 2);
  const json = await run(['--json'], refusing);
  t.is(json.exitCode, 2);
  const { error } = JSON.parse(json.stdout) as { error: { code: string; nextSteps: string[] } };
  t.is(error.code, 'USAGE');
  t.deepEqual(error.nextSteps, ['Run amlpromote act --help.']);
});

test.serial('anything else is a bug, said to be one, exit 1', async (t) => {
  const broken = (): never => {
    throw new TypeError('x is not a function \u001B[2J');
  };
  const told = await run(fine, broken);
  t.is(told.exitCode, 1);
  t.regex(told.stderr, /^bug \(INTERNAL\): TypeError: x is not a function \\u\{1b\}\[2J$/m);
  t.regex(told.stderr, /base-command\.test\.ts/);
  t.regex(told.stderr, /next: This is a bug in amlpromote/);
  const json = await run([...fine, '--json'], broken);
  t.is(json.exitCode, 1);
  t.like(JSON.parse(json.stdout), { error: { code: 'INTERNAL' } });
});

test.serial('Ctrl-C: whatever breaks then is the interruption; nobody listens afterwards', async (t) => {
  const listeners = process.listenerCount('SIGINT');
  const interrupted = (command: Act): never => {
    process.emit('SIGINT');
    t.true(command.stopped().aborted);
    throw new Error('socket hang up');
  };
  const told = await run(fine, interrupted);
  t.is(told.exitCode, 130);
  t.regex(told.stderr, /interrupted: finishing what is under way; press Ctrl-C again/);
  t.regex(told.stderr, /interrupted \(INTERRUPTED\)/);
  const json = await run([...fine, '--json'], interrupted);
  t.is(json.exitCode, 130);
  t.like(JSON.parse(json.stdout), { error: { code: 'INTERRUPTED' } });
  t.is(process.listenerCount('SIGINT'), listeners);
});
