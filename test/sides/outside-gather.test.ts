import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type { Descriptor } from '../../src/domain/descriptor.ts';
import type { Digest } from '../../src/domain/digest.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { predicateTypes } from '../../src/domain/media-types.ts';
import type { ReleaseDocument } from '../../src/domain/release.ts';
import type { ScanReport } from '../../src/domain/scan.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { pushArtifact } from '../../src/evidence/artifact.ts';
import { attest } from '../../src/evidence/attestation.ts';
import { scanPredicate } from '../../src/evidence/predicates/scan.ts';
import { parseReleaseIndex } from '../../src/evidence/release-index.ts';
import type { Signer } from '../../src/ports/signer.ts';
import { promoteInside, promoteOutside } from '../../src/sides/promote.ts';
import type { OutsideResult } from '../../src/sides/promote.ts';
import { releaseSubject } from '../support/identities.ts';
import { memoryZones, newStore, prepareGround, startRun } from '../support/memory-zones.ts';
import type { MemoryZones } from '../support/memory-zones.ts';
import { finding, report } from '../support/scan-reports.ts';
import { testPolicy } from '../support/signed-release.ts';

/** What a release lists is a function of what is attached and trusted: not of one machine's store, nor of its key. */
const ground = await prepareGround();
const { spec, identities } = ground;
const { repository } = spec;

const pem = (der: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`;

/** A policy that trusts the keys of two CAs, as it does while a CA is renewed. */
const renewal = await (async () => {
  const ca = path.join(ground.folder, 'second-ca.pem');
  writeFileSync(ca, pem(identities.strangerSigner.certificates.at(-1)!));
  return await testPolicy(identities, {
    trust: {
      signers: [
        { name: 'release', ca: identities.files.releaseCa, subject: releaseSubject },
        { name: 'renewed', ca, subject: releaseSubject },
      ],
      receipts: [{ name: 'receipt', certificate: identities.files.receipt }],
    },
  });
})();

interface Runner {
  readonly store: string;
  readonly found?: Partial<ScanReport>;
  readonly signer?: Signer;
}

const promote = async (world: MemoryZones, runner: Runner): Promise<OutsideResult> =>
  await promoteOutside(startRun(ground, world, { policy: renewal, ...runner }).outside, spec);

const referrersOf = async ({ dev }: MemoryZones, image: Descriptor): Promise<readonly Digest[]> =>
  (await dev.repository(repository).referrers(image.digest)).map(({ digest }) => digest);

const partsOf = async ({ dev }: MemoryZones, { index }: ReleaseDocument) =>
  parseReleaseIndex((await dev.repository(repository).manifest(index.digest))!);

const hour = 3_600_000;

/** What a scanner with newer advisories says, half an hour later. */
const newer = (changes: Partial<ScanReport> = {}): Partial<ScanReport> => ({
  database: { ...report().database, digest: sha256('newer database') },
  startedAt: '2026-11-21T12:30:00Z',
  finishedAt: '2026-11-21T12:30:01Z',
  findings: [finding({ severity: 'low' })],
  ...changes,
});

test('two machines that keep their stores and take turns make no release that is there', async (t) => {
  const world = memoryZones();
  const old: Runner = { store: newStore(ground) };
  const young: Runner = { store: newStore(ground), found: newer() };
  const first = await promote(world, old);
  await world.clock.sleep(hour);
  const second = await promote(world, young);
  t.is(second.release.document.release, first.release.document.release + 1);
  const attached = await referrersOf(world, first.build.image);
  for (const runner of [old, young, old]) {
    const { release } = await promote(world, runner);
    t.deepEqual(release.document, second.release.document);
    t.true(release.already);
  }
  t.deepEqual(await referrersOf(world, first.build.image), attached);
});

async function attachScan(
  world: MemoryZones,
  image: Descriptor,
  changes: Partial<ScanReport>,
  signer: Signer,
): Promise<Digest> {
  const predicate = scanPredicate(report({ image: image.digest, ...changes }));
  const request = { subject: image, name: repository, predicateType: predicateTypes.scan, predicate };
  const artifact = await attest(request, signer, world.clock.now());
  await pushArtifact(world.dev.repository(repository), artifact);
  return artifact.manifest.descriptor.digest;
}

test('threat 9: a scan that another machine has attached meanwhile is what the release says, also when it says no', async (t) => {
  const world = memoryZones();
  const runner: Runner = { store: newStore(ground) };
  const first = await promote(world, runner);
  await world.clock.sleep(hour);
  await attachScan(world, first.build.image, newer({ findings: [finding()] }), identities.releaseSigner);
  const error = await t.throwsAsync(promote(world, runner), { instanceOf: AmlpromoteError });
  t.is(error.code, 'POLICY_REFUSED');
  t.regex(error.message, /newest scan/);
  t.deepEqual(await world.dev.repository(repository).resolve('release-2'), undefined);
});

test('threat 11: a newer scan by a key that the policy does not trust is not listed', async (t) => {
  const world = memoryZones();
  const strict = async (runner: Runner): Promise<OutsideResult> =>
    await promoteOutside(startRun(ground, world, runner).outside, spec);
  const runner: Runner = { store: newStore(ground) };
  const first = await strict(runner);
  await world.clock.sleep(hour);
  await attachScan(world, first.build.image, newer(), identities.strangerSigner);
  t.deepEqual((await strict(runner)).release.document, first.release.document);
});

test('another key of the policy has nothing to add to what is signed', async (t) => {
  const world = memoryZones();
  const store = newStore(ground);
  const first = await promote(world, { store });
  const attached = await referrersOf(world, first.build.image);
  const signatures = await world.dev.repository(repository).referrers(first.release.document.index.digest);
  const second = await promote(world, { store, signer: identities.strangerSigner });
  t.true(second.sign.already);
  t.deepEqual(second.release.document, first.release.document);
  t.deepEqual(await referrersOf(world, first.build.image), attached);
  t.deepEqual(
    await world.dev.repository(repository).referrers(first.release.document.index.digest),
    signatures,
  );
});

test('evidence of two keys: the release lists a signature of each, so that the other side believes both', async (t) => {
  const world = memoryZones();
  await promote(world, { store: newStore(ground) });
  await world.clock.sleep(hour);
  const store = newStore(ground);
  const signer = identities.strangerSigner;
  const run = startRun(ground, world, { policy: renewal, store, signer, found: newer() });
  const { release } = await promoteOutside(run.outside, spec);
  const { evidence } = await partsOf(world, release.document);
  t.deepEqual(
    evidence.map(({ role }) => role),
    ['image-manifest', 'signature', 'signature', 'sbom', 'scan', 'provenance'],
  );
  const inside = await promoteInside(run.inside, release.document, {});
  t.is(inside.import.verification.verdict, 'allowed');
});

test('threat 40: what this key has stated in a run that was killed is vouched for by the next', async (t) => {
  for (let kill = 1; kill <= 12; kill += 1) {
    const world = memoryZones();
    await promote(world, { store: newStore(ground) });
    await world.clock.sleep(hour);
    const runner = { store: newStore(ground), signer: identities.strangerSigner, found: newer() };
    const options = { policy: renewal, ...runner, killAtEffect: kill };
    await promoteOutside(startRun(ground, world, options).outside, spec).catch(() => undefined);
    const run = startRun(ground, world, { policy: renewal, ...runner });
    const { release } = await promoteOutside(run.outside, spec);
    const { import: imported } = await promoteInside(run.inside, release.document, {});
    t.is(imported.verification.verdict, 'allowed', `effect ${kill}`);
    t.is(release.document.release, 2, `effect ${kill}`);
  }
});

test('where two signers are wanted, the second one sees for itself', async (t) => {
  const world = memoryZones();
  const both = { ...renewal, trust: { ...renewal.trust, required: 2 } };
  const first = startRun(ground, world, { policy: both, store: newStore(ground), found: { findings: [] } });
  const { image } = await first.outside.build(spec);
  await first.outside.scan({ repository, image });
  await first.outside.publish({ repository, image });
  await first.outside.sign({ repository, image });
  const second = startRun(ground, world, {
    policy: both,
    store: newStore(ground),
    machine: 'second',
    signer: identities.strangerSigner,
    found: { findings: [finding({ severity: 'critical' })] },
  });
  const { platforms } = await second.outside.scan({ repository, image });
  t.is(platforms[0]?.already, false);
  t.is(platforms[0]?.decision.verdict, 'refused');
  const error = await t.throwsAsync(second.outside.sign({ repository, image }), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'POLICY_REFUSED');
});
