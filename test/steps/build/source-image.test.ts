import test from 'ava';
import fc from 'fast-check';
import type { Digest } from '../../../src/domain/digest.ts';
import { silent } from '../../../src/domain/events.ts';
import type { Platform } from '../../../src/domain/platform.ts';
import { parsePlatform } from '../../../src/domain/platform.ts';
import { takeSourceImage } from '../../../src/steps/build/source-image.ts';
import type { ChildParts, Listed } from '../../support/index-children.ts';
import { attestation, pushChild, pushIndex } from '../../support/index-children.ts';
import { memoryRegistry } from '../../support/memory-registry.ts';

const vendor = memoryRegistry('vendor.test');
const source = vendor.repository('v/base');

const platformOf = (text: string): Platform => parsePlatform(text) ?? { os: '', architecture: '' };

/** An image whose config says `config`, listed as `label`. Another image for each pair. */
async function child(label: string | undefined, config = label ?? ''): Promise<Listed> {
  const said = { ...platformOf(config), config: { Labels: { as: label ?? 'nothing' } } };
  const descriptor = await pushChild(source, {
    config: { ...said, rootfs: { type: 'layers', diff_ids: [] } },
    layers: [],
  });
  return label === undefined ? descriptor : { ...descriptor, platform: platformOf(label) };
}

const take = async (children: readonly Listed[], wanted: string): Promise<Digest> => {
  const { digest } = await pushIndex(source, children);
  const request = {
    kind: 'image',
    from: 'registry',
    host: 'vendor.test',
    repository: 'v/base',
    digest,
  } as const;
  const target = memoryRegistry('store').repository('ml/churn');
  const sources = { sources: () => vendor, progress: silent };
  return (await takeSourceImage(request, platformOf(wanted), target, sources)).image.digest;
};

/** What is wanted, what an index lists, and what is taken of it, in whatever order it is listed. */
const choices: readonly (readonly [wanted: string, listed: readonly string[], taken: string | undefined])[] =
  [
    ['linux/amd64', ['linux/amd64/v3', 'linux/amd64', 'linux/arm64'], 'linux/amd64'],
    ['linux/amd64', ['linux/amd64/v3', 'linux/amd64/v2', 'linux/amd64/v1'], 'linux/amd64/v1'],
    ['linux/amd64', ['linux/amd64/v1', 'linux/amd64'], 'linux/amd64'],
    ['linux/amd64', ['linux/amd64/v2', 'linux/amd64/v3', 'linux/386'], undefined],
    ['linux/amd64', ['windows/amd64', 'linux/arm64'], undefined],
    ['linux/amd64/v1', ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v1'], 'linux/amd64/v1'],
    ['linux/amd64/v1', ['linux/amd64', 'linux/amd64/v2'], 'linux/amd64'],
    ['linux/amd64/v2', ['linux/amd64', 'linux/amd64/v3', 'linux/amd64/v2'], 'linux/amd64/v2'],
    ['linux/amd64/v3', ['linux/amd64', 'linux/amd64/v4', 'linux/amd64/v2'], 'linux/amd64/v2'],
    ['linux/amd64/v3', ['linux/amd64', 'linux/amd64/v1', 'linux/amd64/v4'], 'linux/amd64/v1'],
    [
      'linux/amd64/v4',
      ['linux/amd64/v9', 'linux/amd64/v3', 'linux/amd64/v2', 'linux/amd64'],
      'linux/amd64/v3',
    ],
    ['linux/arm64', ['linux/arm64/v8', 'linux/arm64/v9', 'linux/arm/v7'], 'linux/arm64/v8'],
    ['linux/arm64', ['linux/arm64/v9', 'linux/arm/v8'], undefined],
    ['linux/arm/v7', ['linux/arm/v5', 'linux/arm/v6', 'linux/arm/v8'], 'linux/arm/v6'],
    ['linux/arm', ['linux/arm/v6', 'linux/arm/v7', 'linux/arm/v8'], 'linux/arm/v7'],
    ['linux/ppc64le', ['linux/ppc64le', 'linux/amd64'], 'linux/ppc64le'],
  ];

for (const [wanted, listed, taken] of choices) {
  for (const labelled of [true, false]) {
    const how = labelled ? 'labels' : 'configs';
    test(`for ${wanted}, of ${listed.join(', ')} by their ${how}: ${taken ?? 'none'}`, async (t) => {
      const children = await Promise.all(
        listed.map((name) => (labelled ? child(name) : child(undefined, name))),
      );
      const note = { ...(await pushChild(source, attestation)), platform: platformOf('unknown/unknown') };
      const expected = taken === undefined ? undefined : children[listed.indexOf(taken)]?.digest;
      await fc.assert(
        fc.asyncProperty(
          fc.shuffledSubarray([...children, note], { minLength: listed.length + 1 }),
          async (order) => {
            if (expected !== undefined) {
              t.is(await take(order, wanted), expected);
              return;
            }
            const error = await t.throwsAsync(take(order, wanted), { code: 'CONTENT_INVALID' });
            t.true(error.message.includes(`no image for ${wanted}; it has `));
            for (const name of listed) t.true(error.message.includes(name));
          },
        ),
        { numRuns: 12 },
      );
    });
  }
}

const refused = test.macro({
  async exec(t, make: () => Promise<readonly Listed[]>, message: RegExp) {
    const children = await make();
    for (const order of [children, [...children].reverse()]) {
      const error = await t.throwsAsync(take(order, 'linux/amd64'), { code: 'CONTENT_INVALID' });
      t.regex(error.message, message);
    }
  },
  title: (given) => `refused in words that say so: ${given ?? ''}`,
});

test(
  'two different images for one platform',
  refused,
  async () => [await child('linux/amd64'), await child(undefined, 'linux/amd64')],
  /lists several images for linux\/amd64: sha256:\w+, sha256:/,
);
test(
  'threat 10: an arm64 image listed as amd64',
  refused,
  async () => [await child('linux/amd64', 'linux/arm64'), await child('linux/arm64')],
  /is listed as linux\/amd64 but is linux\/arm64/,
);
test(
  'threat 10: a v3 image listed without a variant',
  refused,
  async () => [await child('linux/amd64', 'linux/amd64/v3'), await child('linux/arm64')],
  /is listed as linux\/amd64 but is linux\/amd64\/v3/,
);
test(
  'an index in an index',
  refused,
  async () => [await child('linux/amd64'), await pushIndex(source, [await child('linux/amd64')])],
  /lists another index/,
);
test(
  'an image that says no platform at all',
  refused,
  async () => [await child(undefined, '')],
  /it has no platform/,
);
test(
  'another spelling of the architecture',
  refused,
  async () => [{ ...(await child('linux/amd64')), platform: { os: 'linux', architecture: 'x86_64' } }],
  /no image for linux\/amd64; it has linux\/x86_64/,
);
test(
  'a config that Go reads otherwise',
  refused,
  async () => [await misspelt()],
  /misspelling of "architecture"/,
);

const misspelt = (): Promise<Listed> => {
  const parts: ChildParts = {
    config: { os: 'linux', architecture: 'arm64', Architecture: 'amd64' },
    layers: [],
  };
  return pushChild(source, parts);
};

test('one image listed twice is one image', async (t) => {
  const one = await child('linux/amd64');
  t.is(await take([one, one, { ...one, platform: platformOf('linux/amd64/v1') }], 'linux/amd64'), one.digest);
});
