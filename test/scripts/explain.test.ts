import test from 'ava';
import { execa } from 'execa';
import { explain } from '../../scripts/explain.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';

async function explained(error: unknown): Promise<{ code: number; said: string }> {
  const lines: string[] = [];
  const code = explain(error, (text) => lines.push(text));
  return Promise.resolve({ code, said: lines.join('\n') });
}

test('an error of ours is told as commands tell it, with their exit code and without a stack', async (t) => {
  const error = new AmlpromoteError('UNREACHABLE', 'no base', { nextSteps: ['Load it first.'] });
  t.deepEqual(await explained(error), {
    code: 20,
    said: 'could not check (UNREACHABLE): no base\n  next: Load it first.',
  });
});

test('a command that failed has said why itself: its exit code passes on', async (t) => {
  const failed: unknown = await execa(process.execPath, ['-e', 'process.exit(10)']).catch(
    (error: unknown) => error,
  );
  t.deepEqual(await explained(failed), { code: 10, said: '' });
});

test('a bug is a bug', async (t) => {
  const { code, said } = await explained(new TypeError('x is not y'));
  t.is(code, 1);
  t.regex(said, /^bug \(INTERNAL\): TypeError: x is not y/);
});
