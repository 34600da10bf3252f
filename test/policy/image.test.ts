import test from 'ava';
import type { PolicyRules } from '../../src/manifest/policy.ts';
import type { ImageFacts } from '../../src/policy/image.ts';
import { evaluateImage } from '../../src/policy/image.ts';
import { defaultRules } from '../support/manifest-samples.ts';

const rules = (changes: Partial<PolicyRules['image']> = {}): Pick<PolicyRules, 'image'> => ({
  image: { ...defaultRules.image, ...changes },
});
const facts: ImageFacts = { platform: 'linux/amd64', sizeBytes: 1000 };
const digest = `sha256:${'a'.repeat(64)}`;
const codes = (changes: Partial<ImageFacts>, policy: Partial<PolicyRules['image']>): readonly string[] =>
  evaluateImage({ ...facts, ...changes }, rules(policy)).reasons.map(
    ({ code, verdict }) => `${code}:${verdict}`,
  );

test('the default rules allow an ordinary image', (t) => {
  t.deepEqual(evaluateImage(facts, rules()), { verdict: 'allowed', reasons: [] });
});

test('platform and size', (t) => {
  t.deepEqual(codes({ platform: 'linux/arm64' }, {}), ['PLATFORM:refused']);
  t.deepEqual(codes({ platform: 'linux/amd64/v3' }, {}), ['PLATFORM:refused']);
  t.deepEqual(codes({ platform: 'linux/amd64/v1' }, {}), []);
  t.deepEqual(codes({ platform: 'linux/arm64' }, { platforms: ['linux/arm64/v8'] }), []);
  t.deepEqual(codes({ sizeBytes: 1001 }, { maxSize: 1000 }), ['IMAGE_SIZE:refused']);
  t.deepEqual(codes({ sizeBytes: 1000 }, { maxSize: 1000 }), []);
  t.deepEqual(codes({ sizeBytes: Number.NaN }, { maxSize: 1000 }), ['IMAGE_SIZE:refused']);
});

for (const user of [
  undefined,
  '',
  'root',
  '0',
  '00',
  '+0',
  '-0',
  '-00:5',
  '0:0',
  'root:users',
  '0:1000',
  ' root ',
])
  test(`forbidRoot refuses user "${user ?? '(none given)'}"`, (t) => {
    const changes = user === undefined ? {} : { user };
    t.deepEqual(codes(changes, { forbidRoot: true }), ['RUNS_AS_ROOT:refused']);
    t.deepEqual(codes(changes, { forbidRoot: false }), []);
  });

for (const user of ['1000', 'app', '1000:0', 'rooty'])
  test(`forbidRoot allows user ${user}`, (t) => {
    t.deepEqual(codes({ user }, { forbidRoot: true }), []);
  });

test('bases: every one must be allowed, by name, pattern or digest', (t) => {
  const python = { name: 'python:3.12-slim', digest };
  const allows = (...allowedBases: string[]) => codes({ bases: [python] }, { allowedBases });
  t.deepEqual(allows('python:3.12-slim'), []);
  t.deepEqual(allows('python:*'), []);
  t.deepEqual(allows(`python@${digest}`), []);
  t.deepEqual(allows('debian:*'), ['BASE_NOT_ALLOWED:refused']);
  t.deepEqual(allows('python'), ['BASE_NOT_ALLOWED:refused']);
  t.deepEqual(
    codes({ bases: [python, { name: 'evil.example/python:3.12-slim' }] }, { allowedBases: ['python:*'] }),
    ['BASE_NOT_ALLOWED:refused'],
  );
});

test('bases that nobody recorded are not allowed ones', (t) => {
  t.deepEqual(codes({}, { allowedBases: ['python:*'] }), ['BASE_UNKNOWN:inconclusive']);
  t.deepEqual(codes({ bases: [] }, { allowedBases: ['python:*'] }), ['BASE_UNKNOWN:inconclusive']);
  t.deepEqual(codes({}, {}), []);
});
