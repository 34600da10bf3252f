import test from 'ava';
import { settledLine } from '../../src/domain/log-line.ts';

test('a line of a log is what a terminal would show in the end, without its colours', (t) => {
  t.is(settledLine('plain [text] 50%'), 'plain [text] 50%');
  t.is(settledLine('\u001B[91mno wheel for numpy'), 'no wheel for numpy');
  t.is(settledLine('\u001B[0m\u001B[1;32mok\u001B[m'), 'ok');
  t.is(settledLine('  0%|   |\r 50%|#  |\r\u001B[K100%|###|\r'), '100%|###|');
  t.is(settledLine('windows\r'), 'windows');
  t.is(settledLine('took\t[3m]'), 'took\t[3m]');
});

test('what is no colour stays, to be made visible by whoever prints it', (t) => {
  t.is(settledLine('a\u001B[2Jb\u001B]0;title\u0007'), 'a\u001B[2Jb\u001B]0;title\u0007');
});

test('a long run of carriage returns costs no more than its length', (t) => {
  const started = performance.now();
  t.is(settledLine(`a${'\r'.repeat(1_000_000)}b`), 'b');
  t.is(settledLine(`a${'\r'.repeat(1_000_000)}`), 'a');
  t.true(performance.now() - started < 5000);
});
