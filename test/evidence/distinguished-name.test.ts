import test from 'ava';
import fc from 'fast-check';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import {
  formatName,
  includesName,
  parseName,
  subjectProblems,
} from '../../src/evidence/distinguished-name.ts';

test('reads RFC 4514 names with escapes, blanks and both spellings of state', (t) => {
  t.deepEqual(parseName('CN=a\\, b, O=Contoso,S=Tokyo,2.5.4.5=7'), [
    { type: 'CN', value: 'a, b' },
    { type: 'O', value: 'Contoso' },
    { type: 'ST', value: 'Tokyo' },
    { type: '2.5.4.5', value: '7' },
  ]);
  t.deepEqual(parseName('CN= a\\  ,O=\\ b'), [
    { type: 'CN', value: 'a ' },
    { type: 'O', value: ' b' },
  ]);
});

test('pairs of hex digits are octets of UTF-8', (t) => {
  t.deepEqual(parseName('O=Contos\\C3\\A9'), [{ type: 'O', value: 'Contosé' }]);
  t.deepEqual(parseName('O=\\E6\\9D\\B1'), [{ type: 'O', value: '東' }]);
  t.throws(() => parseName('O=\\C3'), { code: 'MANIFEST_INVALID' });
});

test('what is written is read back', (t) => {
  const value = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(value, value, (cn, o) => {
      const name = [
        { type: 'CN', value: cn },
        { type: 'O', value: o },
      ];
      t.deepEqual(parseName(formatName(name)), name);
    }),
  );
});

test('refuses what is not a name, or not one that notation reads', (t) => {
  const texts = [
    '',
    'release',
    '=x',
    'CN=',
    'CN=a,',
    '*',
    'CN=a+O=b',
    'O=a,O=a',
    'S=a,ST=b',
    'CN=#0c0161',
    'cn=a',
    'CN=a;b',
    'CN=a\\',
  ];
  for (const text of texts) {
    const error = t.throws(() => parseName(text), { instanceOf: AmlpromoteError }, text);
    t.is(error.code, 'MANIFEST_INVALID', text);
  }
});

test('exactly one attribute of each required type; more types are fine; an empty requirement matches nobody', (t) => {
  const name = parseName('CN=release,O=Contoso,ST=Tokyo,C=JP');
  t.true(includesName(name, parseName('C=JP,CN=release')));
  t.false(includesName(name, parseName('CN=Release')));
  t.false(includesName(name, parseName('CN=release,OU=x')));
  t.false(includesName(parseName('CN=release'), name));
  t.false(includesName(name, []));
  for (const value of ['Evil', 'Contoso', '']) {
    t.false(includesName([...name, { type: 'O', value }], parseName('O=Contoso')), value);
    t.false(includesName([{ type: 'O', value }, ...name], parseName('O=Contoso')), value);
  }
});

test('a subject that notation cannot read is said to be one', (t) => {
  const name = parseName('CN=release,O=Contoso,ST=Tokyo,C=JP');
  t.deepEqual(subjectProblems(name), []);
  t.deepEqual(subjectProblems(name.slice(1)), []);
  t.deepEqual(subjectProblems(parseName('CN=release')), [
    'its subject has no C',
    'its subject has no ST',
    'its subject has no O',
  ]);
  t.deepEqual(subjectProblems([...name, { type: 'OU', value: 'a' }, { type: 'OU', value: 'b' }]), [
    'its subject has OU twice',
  ]);
  t.deepEqual(subjectProblems([...name, { type: '1.2.840.113549.1.9.1', value: 'a@b' }]), [
    'its subject has an attribute of type 1.2.840.113549.1.9.1',
  ]);
  t.deepEqual(subjectProblems([...name, { type: 'OU', value: 'a=#b' }]), ['its subject holds "=#"']);
});
