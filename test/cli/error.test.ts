import test from 'ava';
import { renderError } from '../../src/cli/error.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';

for (const [code, kind] of [
  ['TAG_CONFLICT', 'refused'],
  ['UNREACHABLE', 'could not check'],
  ['USAGE', 'usage'],
  ['INTERRUPTED', 'interrupted'],
] as const satisfies readonly (readonly [ErrorCode, string])[])
  test(`${code} is told as "${kind}"`, (t) => {
    t.is(renderError(new AmlpromoteError(code, 'it happened')), `${kind} (${code}): it happened`);
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
