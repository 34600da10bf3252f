import test from 'ava';
import type { BuildClaims, RecordedBase } from '../../src/domain/build.ts';
import { sha256 } from '../../src/domain/sha256.ts';
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

const layers = ['base', 'more'].map((text) => sha256(text));
const own = sha256('own');
const built = (changes: Partial<BuildClaims> = {}): BuildClaims => ({
  kind: 'engine',
  argNames: [],
  args: {},
  bases: [{ name: 'python:3.12-slim', digest, role: 'root', layers }],
  ...changes,
});
const image: Partial<ImageFacts> = { diffIds: [...layers, own] };

test('bases: every one must be allowed, by name, pattern or digest', (t) => {
  const allows = (...allowedBases: string[]) => codes({ ...image, builds: [built()] }, { allowedBases });
  t.deepEqual(allows('python:3.12-slim'), []);
  t.deepEqual(allows('python:*'), []);
  t.deepEqual(allows(`python@${digest}`), []);
  t.deepEqual(allows('debian:*'), ['BASE_NOT_ALLOWED:refused']);
  t.deepEqual(allows('python'), ['BASE_NOT_ALLOWED:refused']);
});

test('bases that nobody recorded are not allowed ones', (t) => {
  const allowedBases = ['python:*'];
  t.deepEqual(codes({}, { allowedBases }), ['BASE_UNKNOWN:inconclusive']);
  t.deepEqual(codes({ builds: [] }, { allowedBases }), ['BASE_UNKNOWN:inconclusive']);
  t.deepEqual(codes({ builds: [built({ bases: [] })] }, { allowedBases }), ['BASE_UNKNOWN:inconclusive']);
  t.deepEqual(codes({}, {}), []);
});

const root = (changes: Partial<RecordedBase>): RecordedBase[] => [
  { name: 'python:3.12-slim', digest, role: 'root', ...changes },
];
const v1: RecordedBase[] = [{ name: 'python:3.12-slim', digest }];
const unproven = ['BASE_UNPROVEN:inconclusive'];
const claimed = ['BASE_CLAIMED:allowed'];
const proofs: readonly (readonly [
  string,
  RecordedBase[],
  readonly string[] | undefined,
  readonly string[],
])[] = [
  ['all layers and no more', root({ layers }), layers, []],
  ['other layers', root({ layers }), [own, ...layers], unproven],
  ['layers in another order', root({ layers }), layers.toReversed(), unproven],
  ['fewer layers than the base has (squashed)', root({ layers }), [own], unproven],
  ['a config that does not list one diffID a layer', root({ layers }), undefined, unproven],
  ['a root whose layers nobody knows', root({}), layers, unproven],
  ['a root with no layers, with which everything begins', root({ layers: [] }), layers, unproven],
  ['version 1, without roles', v1, layers, unproven],
  ['no root at all', [{ name: 'python:3.12-slim', digest, role: 'copy' }], layers, [...claimed, ...unproven]],
  [
    'a copied image, allowed by its name',
    [...root({ layers }), { name: 'python:tools', role: 'copy' }],
    layers,
    claimed,
  ],
  [
    'a frontend without digest, allowed by its name',
    [...root({ layers }), { name: 'docker/dockerfile:1', role: 'frontend' }],
    layers,
    claimed,
  ],
  [
    'a copied image that is not allowed',
    [...root({ layers }), { name: 'evil.example/python:3.12-slim', role: 'copy' }],
    layers,
    ['BASE_NOT_ALLOWED:refused'],
  ],
  [
    'a frontend that is not allowed',
    [...root({ layers }), { name: 'evil/dockerfile:1', role: 'frontend' }],
    layers,
    ['BASE_NOT_ALLOWED:refused'],
  ],
  [
    'from scratch, which is not allowed',
    [{ name: 'scratch', role: 'root', layers: [] }],
    layers,
    ['BASE_NOT_ALLOWED:refused'],
  ],
];
for (const [what, bases, diffIds, expected] of proofs) {
  test(`bases are proven by content: ${what}`, (t) => {
    const allowedBases = ['python:*', 'docker/dockerfile:*', '*'];
    const seen = { builds: [built({ bases })], ...(diffIds ? { diffIds } : {}) };
    t.deepEqual(codes(seen, { allowedBases }), expected);
    t.deepEqual(codes(seen, {}), [], 'a policy without allowedBases asks for no proof');
  });
}

test('from scratch only where the policy has that very word', (t) => {
  const builds = [built({ bases: [{ name: 'scratch', role: 'root', layers: [] }] })];
  t.deepEqual(codes({ ...image, builds }, { allowedBases: ['scratch'] }), []);
  t.deepEqual(codes({ ...image, builds }, { allowedBases: ['*', 'scr*'] }), ['BASE_NOT_ALLOWED:refused']);
});

test('several provenances: one proves the root, all must be allowed, none may be contradicted', (t) => {
  const judged = (...bases: RecordedBase[][]) =>
    codes(
      { ...image, builds: bases.map((each) => built({ bases: each })) },
      { allowedBases: ['python:*', 'debian:*'] },
    );
  t.deepEqual(judged(v1, root({ layers })), []);
  t.deepEqual(judged(root({ layers }), [{ name: 'evil:1' }]), ['BASE_NOT_ALLOWED:refused']);
  t.deepEqual(judged(root({ layers }), root({ name: 'debian:12', layers: [own] })), unproven);
});

const args: readonly (readonly [string, BuildClaims[] | undefined, readonly string[]])[] = [
  ['none given', [built()], []],
  ['all public', [built({ argNames: ['A', 'B'], args: { A: '1', B: '2' } })], []],
  ['one hidden', [built({ argNames: ['A', 'B'], args: { A: '1' } })], ['ARGS_NOT_PUBLIC:refused']],
  ['a name that objects inherit', [built({ argNames: ['toString'] })], ['ARGS_NOT_PUBLIC:refused']],
  ['an existing image', [{ kind: 'source-image', bases: [] }], []],
  ['version 1, which has all values', [{ kind: 'engine', bases: v1, args: { A: '1' } }], []],
  ['version 1 with its values withheld', [{ kind: 'engine', bases: v1 }], ['ARGS_UNKNOWN:inconclusive']],
  ['no provenance', undefined, ['ARGS_UNKNOWN:inconclusive']],
];
for (const [what, builds, expected] of args) {
  test(`args: public: ${what}`, (t) => {
    const seen = builds ? { builds } : {};
    t.deepEqual(codes(seen, { args: 'public' }), expected);
    t.deepEqual(codes(seen, { args: 'any' }), []);
    t.deepEqual(codes(seen, {}), []);
  });
}
