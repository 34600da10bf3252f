import test from 'ava';
import fc from 'fast-check';
import { withoutTag } from '../../src/domain/reference.ts';
import { withoutTrailing } from '../../src/domain/trim.ts';

test('cuts the run at the end, and nothing else', (t) => {
  t.is(withoutTrailing('a//b///', '/'), 'a//b');
  t.is(withoutTrailing('///', '/'), '');
  t.is(withoutTrailing('', '/'), '');
  t.is(withoutTrailing('a \t\n', ' \n\t'), 'a');
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '/', ' ') }), (text) => {
      t.is(withoutTrailing(text, '/'), text.replace(/\/+$/, ''));
    }),
  );
});

test('a name without its tag, also behind a port', (t) => {
  for (const [name, wanted] of [
    ['python:3.12', 'python'],
    ['localhost:5000/a/b', 'localhost:5000/a/b'],
    ['localhost:5000/a/b:1', 'localhost:5000/a/b'],
    ['python', 'python'],
    ['a:b:c', 'a'],
  ] as const)
    t.is(withoutTag(name), wanted);
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', ':', '/') }), (name) => {
      t.is(withoutTag(name), name.replace(/:[^/]*$/, ''));
    }),
  );
});
