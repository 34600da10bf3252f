import test from 'ava';
import { parseIgnore } from '../../src/dockerfile/ignore.ts';

for (const [text, path, ignored] of [
  ['secrets (1).json', 'secrets (1).json', true],
  ['*(1).json', 'secrets (1).json', true],
  ['*.{js,ts}', 'a.{js,ts}', true],
  ['*.{js,ts}', 'a.js', false],
  ['a|b', 'a|b', true],
  ['c++', 'c++', true],
  ['*++', 'c++', true],
  ['[!a]b', '!b', true],
  ['[^a]b', 'ab', false],
  ['\\[a\\]', '[a]', true],
  ['a?c', 'a/c', false],
  ['a**c', 'a/b/c', true],
  ['/', 'a', false],
  ['./a/../b/', 'b/c', true],
  ['\\#x', '#x', true],
  ['x\n\uFEFF**', '*', false],
  ['x\n\uFEFF**/a', 'a', false],
  ['*\n!a\n!**/keep\nb/keep', 'b/keep', true],
] as const) {
  test(`${JSON.stringify(text)} ${ignored ? 'ignores' : 'does not ignore'} ${path}`, (t) => {
    t.is(parseIgnore(`${text}\n`).ignores(path), ignored);
  });
}

for (const [what, text, message, line] of [
  ['an open bracket', 'a\n\n[', /\[ is no pattern/, 3],
  ['an exception of nothing', '!', /needs a pattern/, 1],
  ['an escape at the end', 'a\\', /is no pattern/, 1],
  ['a bar beside a wildcard, which Docker takes for "or"', 'b\na|*', /does not stand for itself/, 2],
  ['braces that repeat', 'a{2}*', /does not stand for itself/, 1],
  ['an escape that means something else to Docker', '\\x61', /no sure meaning/, 1],
  ['a line that is too long', `a\n${'b'.repeat(65_536)}`, /more than/, 2],
] as const) {
  test(`refused with its line: ${what}`, (t) => {
    t.like(
      t.throws(() => parseIgnore(text), { name: 'Unreadable', message }),
      { line },
    );
  });
}

test('where Docker’s two ways to ask differ, it is refused with the line', (t) => {
  const rules = parseIgnore('node_modules\n!node_modules/keep\n**/node_modules\n');
  t.true(rules.ignores('node_modules'));
  const error = t.throws(() => rules.ignores('node_modules/keep'), { name: 'Unreadable' });
  t.like(error, { line: 3 });
});

test('an ignored folder is walked only for exceptions that may be in it', (t) => {
  const plain = parseIgnore('*\n!src/keep\n');
  t.true(plain.mayKeepIn('src'));
  t.false(plain.mayKeepIn('node_modules'));
  t.true(parseIgnore('*\n!**/*.py\n').mayKeepIn('src'));
  t.false(parseIgnore('*\n').mayKeepIn('src'));
});

test('many wildcards take no more time than their length allows', (t) => {
  const rules = parseIgnore(`${'**/*a'.repeat(40)}*b\n`);
  const started = Date.now();
  t.false(rules.ignores(`${'a/'.repeat(20)}${'a'.repeat(2000)}c`));
  t.true(Date.now() - started < 5000);
});
