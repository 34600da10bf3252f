import test from 'ava';
import {
  isImageRepository,
  isNewVersion,
  isReservedTag,
  isVersion,
  releaseCounterOf,
} from '../../src/domain/names.ts';

for (const tag of ['receipt-7-0123456789ab', 'receipt-', 'records', 'posture', 'revocations', 'p-1', 'p-x']) {
  test(`the tag ${tag} is reserved for new images, and readable where 0.1.0 gave it`, (t) => {
    t.true(isReservedTag(tag));
    t.false(isNewVersion(tag));
    t.true(isVersion(tag));
  });
}

for (const tag of ['release-3', 'receipts', 'build-0123456789ab', `sha256-${'a'.repeat(64)}`]) {
  test(`the tag ${tag} never was a version`, (t) => {
    t.true(isReservedTag(tag));
    t.false(isVersion(tag));
  });
}

for (const tag of ['1.4.0', 'record', 'p1', 'receipted', 'pp-1', 'my-receipt-1', 'releases']) {
  test(`the tag ${tag} is free`, (t) => {
    t.false(isReservedTag(tag));
    t.true(isNewVersion(tag));
  });
}

for (const [name, expected] of [
  ['amlpromote/trust', false],
  ['amlpromote/a/b', false],
  ['quarantine/ml/churn', false],
  ['quarantine-lab/x', true],
  ['ml/quarantine/x', true],
  ['ml/amlpromote', true],
  ['ml/churn', true],
] as const) {
  test(`${name} is ${expected ? 'a' : 'no'} repository for images`, (t) => {
    t.is(isImageRepository(name), expected);
  });
}

test('counters are 1 to 999999999', (t) => {
  t.is(releaseCounterOf('release-1'), 1);
  t.is(releaseCounterOf('release-999999999'), 999_999_999);
  for (const tag of ['release-0', 'release-01', 'release-1000000000', 'release-', 'release-1x', 'Release-1'])
    t.is(releaseCounterOf(tag), undefined, tag);
});
