import test from 'ava';
import fc from 'fast-check';
import { mediaTypes } from '../../src/domain/media-types.ts';
import type { ManifestContent } from '../../src/domain/descriptor.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { loadTrust } from '../../src/evidence/trust.ts';
import { encodeReleaseIndex } from '../../src/evidence/release-index.ts';
import { encodeManifest } from '../../src/oci/manifest.ts';
import { chooseCounter } from '../../src/steps/release/counter.ts';
import { signedUnder } from '../../src/steps/verify/tagged-release.ts';
import { importWorld, keysAndPolicy, repository } from '../support/import-world.ts';
import type { ImportWorld } from '../support/import-world.ts';
import { pushRelease } from '../support/signed-release.ts';
import type { SignedRelease } from '../support/signed-release.ts';

/**
 * Somebody who may push and delete whatever is not locked, in the outside repository and in the final one inside, but holds no
 * key that is trusted. Verdicts may become inconclusive, never better; and the next honest release gets a counter that can be used.
 */
const { identities, policy } = await keysAndPolicy();
const trust = await loadTrust(policy);

interface Battlefield {
  readonly world: ImportWorld;
  /** Everything honest that the adversary has seen. */
  readonly seen: readonly ManifestContent[];
}

type Where = 'outside' | 'inside';

interface Move {
  readonly where: Where;
  readonly what: 'push' | 'retag' | 'untag' | 'delete' | 'list';
  readonly tag: string;
  readonly pick: number;
}

const counterTag = fc
  .oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(999_999_998, 999_999_999))
  .map((counter) => `release-${counter}`);

const moves = fc.array(
  fc.record<Move>({
    where: fc.constantFrom<Where>('outside', 'inside'),
    what: fc.constantFrom<Move['what']>('push', 'retag', 'untag', 'delete', 'list'),
    tag: fc.oneof(counterTag, fc.constantFrom('receipts', '1.4.0', '1.1.0', '2.0.0')),
    pick: fc.nat(1000),
  }),
  { minLength: 1, maxLength: 12 },
);

/** One move, if locks let it happen. */
function play({ world, seen }: Battlefield, { where, what, tag, pick }: Move): void {
  const registry = where === 'outside' ? world.dev : world.sec;
  const isLocked = (reference: string): boolean =>
    where === 'inside' &&
    world.locks.locked.has(`${repository}${reference.includes(':') ? '@' : ':'}${reference}`);
  const chosen = seen[pick % seen.length]!;
  if (what === 'push') {
    if (isLocked(tag)) return;
    const counter = Number(/^release-(\d+)$/.exec(tag)?.[1] ?? 5);
    const junk = encodeReleaseIndex({
      name: 'churn-train',
      version: '2.0.0',
      release: counter,
      repository,
      image: { mediaType: mediaTypes.ociManifest, digest: sha256(`evil ${pick}`), size: 1 },
      evidence: [],
    });
    registry.putManifest(repository, junk, tag);
  } else if (what === 'retag') {
    // A locked manifest takes no tag; that is true of Azure, and the test is kinder to the adversary.
    if (!isLocked(tag)) registry.putManifest(repository, chosen, tag);
  } else if (what === 'untag') {
    if (!isLocked(tag)) registry.untag(repository, tag);
  } else if (what === 'delete') {
    if (!isLocked(chosen.descriptor.digest)) registry.remove(repository, chosen.descriptor.digest);
  } else {
    const manifests = seen
      .filter((_, at) => (pick >> (at % 10)) % 2 === 0)
      .map(({ descriptor: { mediaType, digest, size } }) => ({ mediaType, digest, size }));
    if (!isLocked('receipts'))
      registry.putManifest(
        repository,
        encodeManifest({ mediaType: mediaTypes.ociIndex, manifests }),
        'receipts',
      );
  }
}

/** Releases 3 and 4 were admitted; 2 was superseded outside and never crossed; 4 has a second index that never crossed. */
async function honest() {
  const world = await importWorld();
  const two = await world.release({ flavour: 'two', version: '1.2.0', counter: 2 });
  const three = await world.release({ flavour: 'three', version: '1.3.0', counter: 3 });
  const four = await world.release({ flavour: 'four', version: '1.4.0', counter: 4 });
  await world.import(three.document);
  await world.import(four.document);
  // Signed by the honest side, as after a race of 0.1.0; somebody has kept it.
  const spare = await pushRelease(world.dev.repository(repository), {
    now: world.clock.now(),
    signer: identities.releaseSigner,
    flavour: 'four',
    version: '1.4.0',
    counter: 4,
    report: { finishedAt: '2026-11-21T11:00:00Z' },
  });
  world.dev.putManifest(
    repository,
    (await world.dev.repository(repository).manifest(four.index.digest))!,
    'release-4',
  );
  const seen: ManifestContent[] = [];
  for (const registry of [world.dev, world.sec])
    for (const digest of registry.manifests(repository))
      seen.push((await registry.repository(repository).manifest(digest))!);
  return { field: { world, seen }, old: [two, spare], three, four };
}

const attempt = async (world: ImportWorld, { document }: SignedRelease): Promise<string> =>
  await world.import(document).then(
    () => 'admitted',
    (error: unknown) => (error instanceof AmlpromoteError ? error.code : String(error)),
  );

test('threats 45 to 47: an adversary who may push and delete gets nothing older in, and cannot use up the counters', async (t) => {
  await fc.assert(
    fc.asyncProperty(moves, async (played) => {
      const { field, old, three, four } = await honest();
      const { world } = field;
      const before = await world.tags();
      for (const move of played) play(field, move);

      // What was refused before is refused, or cannot be told; locked tags have not moved.
      for (const release of [...old, three]) t.not(await attempt(world, release), 'admitted');
      for (const tag of ['release-3', 'release-4', '1.3.0', '1.4.0'])
        t.is((await world.tags())[tag], before[tag], tag);

      // Outside still finds a counter, and not a huge one.
      const target = world.dev.repository(repository);
      const counter = await chooseCounter(
        target,
        {
          name: 'churn-train',
          version: '1.5.0',
          image: sha256('next'),
          wanted: undefined,
          indexUnder: (one) => sha256(`next ${one}`),
        },
        signedUnder(target, trust, world.clock.now()),
      );
      t.true(counter >= 1 && counter <= 4 + played.length + 1, String(counter));

      // The next honest release is admitted, or inside says what to mend: as it says, import the newest one again.
      const next = await pushRelease(target, {
        now: world.clock.now(),
        signer: identities.releaseSigner,
        flavour: 'next',
        version: '1.5.0',
        counter: 10,
      });
      let outcome = await attempt(world, next);
      if (outcome === 'INCONCLUSIVE') {
        world.sec.untag(repository, 'receipts');
        await attempt(world, four);
        outcome = await attempt(world, next);
      }
      t.is(outcome, 'admitted', JSON.stringify(played));
    }),
    { numRuns: 60 },
  );
});
