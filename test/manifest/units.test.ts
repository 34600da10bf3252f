import test from 'ava';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/manifest/units.ts';

test('durations are seconds', (t) => {
  t.deepEqual(['90s', '10m', '4h', '14d', '2w'].map(parseDuration), [90, 600, 14_400, 1_209_600, 1_209_600]);
  for (const text of ['', '0s', '10', '1.5h', '-1d', ' 1d', '1 d', '1D', '1d1h', '9999999999d'])
    t.is(parseDuration(text), undefined, text);
});

test('sizes are bytes', (t) => {
  t.deepEqual(['1B', '2KB', '2KiB', '20GiB'].map(parseSize), [1, 2000, 2048, 21_474_836_480]);
  for (const text of ['', '0B', '20', '1.5GiB', '20gib', '20 GiB', '999999999999TiB'])
    t.is(parseSize(text), undefined, text);
});

test('formatted for people', (t) => {
  t.deepEqual([1_209_600, 14_400, 600, 61].map(formatDuration), ['14d', '4h', '10m', '61s']);
  t.deepEqual([512, 1536, 21_474_836_480].map(formatSize), ['512 B', '1.5 KiB', '20 GiB']);
});
