import test from 'ava';
import fc from 'fast-check';
import { distance, suggest } from '../../src/manifest/suggest.ts';

const keys = ['apiVersion', 'kind', 'name', 'version', 'release', 'repository', 'source'];

for (const [word, meant] of [
  ['nmae', 'name'],
  ['Name', 'name'],
  ['versoin', 'version'],
  ['repo', 'repository'],
  ['api_version', 'apiVersion'],
  ['sources', 'source'],
  ['smoke', undefined],
  ['x', undefined],
  ['', undefined],
] as const)
  test(`"${word}" means ${meant ?? 'nothing known'}`, (t) => {
    t.is(suggest(word, keys), meant);
  });

test('distance: symmetric, zero only for the same word, bounded by the longer word', (t) => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const slips = distance(a, b);
      return slips === distance(b, a) && (slips === 0) === (a === b) && slips <= Math.max(a.length, b.length);
    }),
  );
  t.pass();
});
