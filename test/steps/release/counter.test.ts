import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { ManifestContent } from '../../../src/domain/descriptor.ts';
import type { Digest } from '../../../src/domain/digest.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import type { ErrorCode } from '../../../src/domain/errors.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { pushArtifact } from '../../../src/evidence/artifact.ts';
import { signNotation } from '../../../src/evidence/notation.ts';
import { encodeReleaseIndex } from '../../../src/evidence/release-index.ts';
import { loadTrust } from '../../../src/evidence/trust.ts';
import { encodeManifest } from '../../../src/oci/manifest.ts';
import type { Repository } from '../../../src/ports/content.ts';
import { chooseCounter } from '../../../src/steps/release/counter.ts';
import { signedUnder } from '../../../src/steps/verify/tagged-release.ts';
import { keysAndPolicy, repository } from '../../support/import-world.ts';
import { memoryRegistry } from '../../support/memory-registry.ts';
import type { MemoryRegistry } from '../../support/memory-registry.ts';
import { pushRelease } from '../../support/signed-release.ts';
import type { ReleaseOptions, SignedRelease } from '../../support/signed-release.ts';

const { identities, policy } = await keysAndPolicy();
const trust = await loadTrust(policy);
const now = new Date('2026-11-21T12:00:00Z');

function setUp() {
  const dev = memoryRegistry('dev.azurecr.test');
  const target = dev.repository(repository);
  const release = async (counter: number, more: Partial<ReleaseOptions> = {}): Promise<SignedRelease> =>
    await pushRelease(target, { now, signer: identities.releaseSigner, counter, ...more });
  const choose = async (
    more: { wanted?: number; indexUnder?: (counter: number) => Digest; version?: string } = {},
  ) =>
    await chooseCounter(
      target,
      {
        name: 'churn-train',
        version: more.version ?? '2.0.0',
        image: sha256('image'),
        wanted: more.wanted,
        indexUnder: more.indexUnder ?? ((counter) => sha256(`index ${counter}`)),
      },
      signedUnder(target, trust, now),
    );
  return { dev, target, release, choose };
}

async function fails(t: ExecutionContext, code: ErrorCode, work: Promise<unknown>): Promise<AmlpromoteError> {
  const error = await t.throwsAsync(work, { instanceOf: AmlpromoteError });
  t.is(error.code, code, error.message);
  t.true(error.nextSteps.length > 0);
  return error;
}

const noManifest = (dev: MemoryRegistry, tag: string): void => {
  dev.putManifest(
    repository,
    encodeManifest({
      mediaType: mediaTypes.ociManifest,
      config: dev.putBlob(repository, '{}'),
      layers: [dev.putBlob(repository, tag)],
    }),
    tag,
  );
};

/** A release index that nobody has signed. */
const unsigned = (counter: number, changes: Partial<Parameters<typeof encodeReleaseIndex>[0]> = {}) =>
  encodeReleaseIndex({
    name: 'churn-train',
    version: '6.6.6',
    release: counter,
    repository,
    image: { mediaType: mediaTypes.ociManifest, digest: sha256('evil'), size: 1 },
    evidence: [],
    ...changes,
  });

type World = ReturnType<typeof setUp>;
const high = 999_999_998;
const put = ({ dev }: World, content: ManifestContent, tag: string): void =>
  void dev.putManifest(repository, content, tag);

/** What somebody who may push can put under a release tag. */
const junk: readonly [string, (world: World, counter: number) => Promise<void> | void][] = [
  ['an image', ({ dev }, counter) => noManifest(dev, `release-${counter}`)],
  [
    'an index that is no release',
    (world, counter) =>
      put(world, encodeManifest({ mediaType: mediaTypes.ociIndex, manifests: [] }), `release-${counter}`),
  ],
  [
    'a release index that nobody signed',
    (world, counter) => put(world, unsigned(counter), `release-${counter}`),
  ],
  [
    'a release index that a stranger of the same name signed',
    async (world, counter) => {
      const index = unsigned(counter);
      put(world, index, `release-${counter}`);
      await pushArtifact(world.target, await signNotation(index.descriptor, identities.strangerSigner, now));
    },
  ],
  [
    'a release index that a stranger signed tomorrow',
    async (world, counter) => {
      const index = unsigned(counter);
      put(world, index, `release-${counter}`);
      const tomorrow = new Date(now.getTime() + 86_400_000);
      await pushArtifact(
        world.target,
        await signNotation(index.descriptor, identities.strangerSigner, tomorrow),
      );
    },
  ],
  [
    'an honest release of another counter',
    async (world, counter) => {
      const { index } = await world.release(3);
      put(world, (await world.target.manifest(index.digest))!, `release-${counter}`);
    },
  ],
  [
    'a signed release of another repository',
    async (world, counter) => {
      const index = unsigned(counter, { repository: 'ml/other' });
      put(world, index, `release-${counter}`);
      await pushArtifact(world.target, await signNotation(index.descriptor, identities.releaseSigner, now));
    },
  ],
];

for (const [title, push] of junk) {
  test(`threat 45: ${title} under a high release tag does not count`, async (t) => {
    const world = setUp();
    await world.release(3);
    await push(world, high);
    t.is(await world.choose(), 4);
  });

  test(`threat 45: ${title} under the next tag is passed by, and not overwritten`, async (t) => {
    const world = setUp();
    await world.release(3);
    await push(world, 4);
    const before = await world.target.resolve('release-4');
    t.is(await world.choose(), 5);
    t.deepEqual(await world.target.resolve('release-4'), before);
    await fails(t, 'TAG_CONFLICT', world.choose({ wanted: 4 }));
    t.is(await world.choose({ wanted: 9 }), 9);
  });
}

test('threat 45: junk says nothing about versions either', async (t) => {
  const world = setUp();
  put(world, unsigned(8), 'release-8');
  t.is(await world.choose({ version: '6.6.6' }), 1);
});

test('the same index keeps its counter, any other one gets the next', async (t) => {
  const world = setUp();
  const { index } = await world.release(3);
  t.is(await world.choose({ indexUnder: (counter) => (counter === 3 ? index.digest : sha256('x')) }), 3);
  t.is(await world.choose(), 4);
  t.is(await world.choose({ wanted: 3, indexUnder: () => index.digest }), 3);
  const error = await fails(t, 'TAG_CONFLICT', world.choose({ wanted: 3 }));
  t.regex(error.message, /another release already/);
});

test('an index of ours that was tagged and never signed (a crash) is gone on with', async (t) => {
  const world = setUp();
  const index = unsigned(1);
  put(world, index, 'release-1');
  t.is(await world.choose({ indexUnder: () => index.descriptor.digest }), 1);
  t.is(await world.choose(), 2);
});

test('the highest counter of all is accepted, and then there is none left', async (t) => {
  const world = setUp();
  t.is(await world.choose({ wanted: 999_999_999 }), 999_999_999);
  await world.release(999_999_999);
  const error = await fails(t, 'TAG_CONFLICT', world.choose());
  t.regex(error.message, /no release counter left: 999999999 is the highest/);
});

test('a version that a signed release gave to another image is refused', async (t) => {
  const world = setUp();
  await world.release(3, { version: '2.0.0' });
  await fails(t, 'VERSION_CONFLICT', world.choose());
});

test('threat 45: 4,900 junk tags change nothing; more than 5,000 leave the question open, and a counter can be named', async (t) => {
  const world = setUp();
  await world.release(3);
  const content = unsigned(7);
  for (let counter = 10; counter < 4910; counter += 1) put(world, content, `release-${counter}`);
  t.is(await world.choose(), 4);
  for (let counter = 4910; counter < 5100; counter += 1) put(world, content, `release-${counter}`);
  const error = await fails(t, 'INCONCLUSIVE', world.choose());
  t.regex(error.message, /5091 release tags/);
  t.is(await world.choose({ wanted: 6000 }), 6000);
});

test('threat 17: signatures of strangers, however many, hide the honest one neither before nor behind it', async (t) => {
  const world = setUp();
  const { index } = await world.release(3);
  const honest = (await world.target.referrers(index.digest, mediaTypes.notationSignature))[0]!;
  const strangers = await Promise.all(
    Array.from({ length: 70 }, async (_, at) =>
      signNotation(index, identities.strangerSigner, new Date(now.getTime() - at * 1000)),
    ),
  );
  for (const one of strangers) await pushArtifact(world.target, one);
  t.is(await world.choose(), 4);
  // The same, listed first.
  const moved = (await world.target.manifest(honest.digest))!;
  world.dev.remove(repository, honest.digest);
  world.dev.putManifest(repository, moved);
  t.is(await world.choose(), 4);
});

test('threat 45: a spoilt list of what is attached to a release makes it junk, and blocks nobody', async (t) => {
  const world = setUp();
  await world.release(3);
  const { index } = await world.release(4);
  const spoilt: Repository = {
    ...world.target,
    referrers: async (subject, type) => {
      if (subject === index.digest) throw new AmlpromoteError('CONTENT_INVALID', 'not an index');
      return await world.target.referrers(subject, type);
    },
  };
  const request = {
    name: 'churn-train',
    version: '2.0.0',
    image: sha256('image'),
    wanted: undefined,
    indexUnder: (counter: number) => sha256(`index ${counter}`),
  };
  t.is(await chooseCounter(spoilt, request, signedUnder(spoilt, trust, now)), 5);
});

test('a registry that cannot be reached is no empty one', async (t) => {
  const world = setUp();
  await world.release(3);
  world.dev.fail(1, new AmlpromoteError('UNREACHABLE', 'reset', { nextSteps: ['…'] }), 'manifest');
  await fails(t, 'UNREACHABLE', world.choose());
  world.dev.fail(1, new AmlpromoteError('UNREACHABLE', 'reset', { nextSteps: ['…'] }), 'referrers');
  await fails(t, 'UNREACHABLE', world.choose());
});
