import test from 'ava';
import { errorBody, renderError } from '../../src/cli/error.ts';
import { AmlpromoteError, exitCodes } from '../../src/domain/errors.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';

for (const [code, kind] of [
  ['TAG_CONFLICT', 'refused'],
  ['UNREACHABLE', 'could not check'],
  ['USAGE', 'usage'],
  ['INTERRUPTED', 'interrupted'],
] as const satisfies readonly (readonly [ErrorCode, string])[])
  test(`${code} is told as "${kind}"`, (t) => {
    const error = new AmlpromoteError(code, 'it happened', { nextSteps: ['Do this.'] });
    t.is(renderError(error), `${kind} (${code}): it happened\n  next: Do this.`);
    t.deepEqual(errorBody(error), { code, message: 'it happened', nextSteps: ['Do this.'] });
  });

test('each next step has a line, and a message may have several', (t) => {
  const error = new AmlpromoteError('MANIFEST_INVALID', 'a.yaml:1:1: one\na.yaml:2:1: two', {
    nextSteps: ['Do this.', 'Or that.'],
  });
  t.is(
    renderError(error),
    'usage (MANIFEST_INVALID): a.yaml:1:1: one\na.yaml:2:1: two\n  next: Do this.\n  next: Or that.',
  );
});

test('threat 31: an error that quotes a server cannot steer the terminal', (t) => {
  const text = renderError(
    new AmlpromoteError('SERVICE_FAILED', 'said \u001B]0;owned\u0007', { nextSteps: ['x\u001B[31m\ny'] }),
  );
  t.notRegex(text, /\p{Cc}(?<!\n)/u);
  t.is(text.split('\n').length, 2);
});

test('nobody is left alone with a message', (t) => {
  for (const code of Object.keys(exitCodes) as ErrorCode[]) {
    const error = new AmlpromoteError(code, 'm');
    t.is(errorBody(error).nextSteps.length, 1, code);
    t.regex(renderError(error), /\n {2}next: \S/);
  }
});

test('an entry to be pasted into a policy stands on a line of its own', (t) => {
  const entry = '- { id: "CVE-1", package: "x", reason: "…", owner: "…", expires: 2026-12-21 }';
  const text = renderError(new AmlpromoteError('POLICY_REFUSED', 'no', { nextSteps: ['Accept it:', entry] }));
  t.deepEqual(text.split('\n').slice(1), ['  next: Accept it:', `    ${entry}`]);
});
