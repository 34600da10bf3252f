import test from 'ava';
import type { TapEvent } from '../../scripts/tap.ts';
import { TapReader } from '../../scripts/tap.ts';

function read(lines: readonly string[], exitCode?: number) {
  const events: TapEvent[] = [];
  const reader = new TapReader((event) => events.push(event));
  for (const line of lines) reader.line(line);
  return { totals: reader.end(exitCode), events };
}

test('passed, failed with its details, and skipped', (t) => {
  const { totals, events } = read(
    [
      'TAP version 13',
      'ok 1 - a › one',
      'not ok 2 - a › two',
      '  ---',
      '    name: AssertionError',
      '  ...',
      'ok 3 - a › three (needs notation) # SKIP',
      '',
      '1..3',
      '# tests 3',
      '# pass 1',
      '# skip 1',
      '# fail 1',
    ],
    1,
  );
  t.deepEqual(totals, { passed: 1, failed: 1, skipped: 1 });
  t.deepEqual(events, [
    { type: 'passed', title: 'a › one' },
    { type: 'failed', title: 'a › two', details: ['  ---', '    name: AssertionError', '  ...'] },
    { type: 'skipped', title: 'a › three (needs notation)' },
  ]);
});

test('all well', (t) => {
  t.deepEqual(read(['ok 1 - one', '1..1', '# fail 0'], 0).totals, { passed: 1, failed: 0, skipped: 0 });
});

test('a title that looks like a directive is not one', (t) => {
  t.deepEqual(read(['ok 1 - says # SKIP in the middle', '1..1'], 0).totals, {
    passed: 1,
    failed: 0,
    skipped: 0,
  });
});

test('a crash counts as failed, and so do the tests that it kept from running', (t) => {
  const { totals } = read(
    ['not ok 1 - x.test.ts exited with a non-zero exit code: 1', '1..4', '# fail 4'],
    1,
  );
  t.deepEqual(totals, { passed: 0, failed: 4, skipped: 0 });
});

test('a runner that stops in the middle, or fails without a word, is a failure', (t) => {
  t.is(read(['ok 1 - one'], 0).totals.failed, 1);
  t.is(read(['ok 1 - one', '1..1'], 1).totals.failed, 1);
  t.is(read(['ok 1 - one', '1..1'], undefined).totals.failed, 1);
  t.is(read([], 1).totals.failed, 1);
});
