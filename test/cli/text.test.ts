import test from 'ava';
import { bytes, clean, duration, table } from '../../src/cli/text.ts';

test('threat 31: escapes, bidi and line breaks in printed text become visible', (t) => {
  t.is(clean('a\u001B[31mred\u202Eevil\nnext\ttab'), 'a\\u{1b}[31mred\\u{202e}evil\\u{a}next\ttab');
  t.is(clean('a\nb\r', { multiline: true }), 'a\nb\\u{d}');
  t.is(clean('naïve 日本語 ✔'), 'naïve 日本語 ✔');
});

test('bytes and durations read well', (t) => {
  t.deepEqual([0, 999, 1000, 1_234_567, 999_999, 2.5e12].map(bytes), [
    '0 B',
    '999 B',
    '1.00 kB',
    '1.23 MB',
    '1.00 MB',
    '2.50 TB',
  ]);
  t.deepEqual([12, 1234, 89_900, 125_000].map(duration), ['12 ms', '1.2 s', '89.9 s', '2 min 5 s']);
});

test('a table aligns its columns', (t) => {
  t.is(
    table([
      ['a', 'bb', 'c'],
      ['aaa', 'b', 'c'],
    ]),
    'a    bb  c\naaa  b   c',
  );
});
