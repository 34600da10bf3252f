import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { formatName, includesName, parseName } from '../../src/evidence/distinguished-name.ts';

test('reads RFC 4514 names with escapes, spaces and both spellings of state', (t) => {
  t.deepEqual(parseName('CN=a\\, b, O=Contoso+OU=x,S=Tokyo,2.5.4.5=7'), [
    { type: 'CN', value: 'a, b' },
    { type: 'O', value: 'Contoso' },
    { type: 'OU', value: 'x' },
    { type: 'ST', value: 'Tokyo' },
    { type: '2.5.4.5', value: '7' },
  ]);
  t.deepEqual(parseName(formatName([{ type: 'CN', value: 'a,b+c"d\\e' }])), [
    { type: 'CN', value: 'a,b+c"d\\e' },
  ]);
});

test('refuses what is not a name', (t) => {
  for (const text of ['', 'release', '=x', 'CN=', 'CN=a,', '*']) {
    const error = t.throws(() => parseName(text), { instanceOf: AmlpromoteError });
    t.is(error.code, 'MANIFEST_INVALID');
  }
});

test('every required attribute must be there, exactly; more is fine; an empty requirement matches nobody', (t) => {
  const name = parseName('CN=release,O=Contoso,ST=Tokyo,C=JP');
  t.true(includesName(name, parseName('C=JP,CN=release')));
  t.false(includesName(name, parseName('CN=Release')));
  t.false(includesName(name, parseName('CN=release,OU=x')));
  t.false(includesName(parseName('CN=release'), name));
  t.false(includesName(name, []));
});
