import test from 'ava';
import { Skips } from '../../scripts/skips.ts';

test('what was missing is counted, the most frequent first', (t) => {
  const skips = new Skips();
  for (const title of [
    'a › one (needs git)',
    'b › two (needs cosign, skopeo)',
    'c › three (needs cosign, skopeo)',
  ])
    skips.add(title);
  t.deepEqual(skips.lines(), ['2 need cosign, skopeo', '1 needs git']);
  t.deepEqual(skips.unexplained, []);
});

test('a skip that does not say what it needs is told apart', (t) => {
  const skips = new Skips();
  const titles = ['a › switched off', 'a › says (needs git) in the middle', 'a › (needs )'];
  for (const title of titles) skips.add(title);
  t.deepEqual(skips.lines(), []);
  t.deepEqual(skips.unexplained, titles);
});
