import { loadTrust } from '../../src/evidence/trust.ts';
import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import { predicateTypes } from '../../src/domain/media-types.ts';
import { silent } from '../../src/domain/events.ts';
import type { ProgressEvent } from '../../src/domain/events.ts';
import { pushArtifact } from '../../src/evidence/artifact.ts';
import { attest } from '../../src/evidence/attestation.ts';
import { signNotation } from '../../src/evidence/notation.ts';
import { writeBuildFacts } from '../../src/steps/build/facts.ts';
import { writeScanResult } from '../../src/steps/scan-result.ts';
import { evidenceOf, sign, signIndex } from '../../src/steps/sign.ts';
import type { SignPorts } from '../../src/steps/sign.ts';
import { verifyImage } from '../../src/steps/verify.ts';
import type { ScanReport } from '../../src/domain/scan.ts';
import { makeIdentities } from '../support/identities.ts';
import { manualClock } from '../support/manual-clock.ts';
import { memoryRegistry } from '../support/memory-registry.ts';
import { finding, gap, report } from '../support/scan-reports.ts';
import { testSeal } from '../support/test-seal.ts';
import { bom, factsFor, pushImage, testPolicy } from '../support/signed-release.ts';

const clock = manualClock('2026-11-21T12:00:00Z');
const identities = await makeIdentities(clock.now());
const policy = await testPolicy(identities);
const trust = await loadTrust(policy);
const repository = 'ml/churn-train';

interface Options {
  readonly report?: Partial<ScanReport>;
  readonly scanned?: boolean;
  readonly built?: boolean;
}

async function setup({ report: changes = {}, scanned = true, built = true }: Options = {}) {
  const registry = memoryRegistry('dev.azurecr.test');
  const store = memoryRegistry('store');
  const target = registry.repository(repository);
  const image = await pushImage(target);
  await pushImage(store.repository(repository));
  const scan = (again: Partial<ScanReport> = {}, seal = testSeal()) =>
    writeScanResult(store, {
      repository,
      image,
      outcome: {
        report: report({ image: image.digest, ...changes, ...again }),
        sbom: Buffer.from(JSON.stringify(bom)),
      },
      cacheKey: 'key',
      seal,
    });
  if (scanned) await scan();
  if (built) await writeBuildFacts(store.repository(repository), image, factsFor(image.digest), testSeal());
  const ports: SignPorts = {
    target,
    store,
    seal: testSeal(),
    rescan: () => Promise.reject(new Error('not needed')),
    signer: identities.releaseSigner,
    clock,
    progress: silent,
  };
  return { registry, target, store, image, ports, scan, input: { repository, image } };
}

test('attaches a signature and three attestations that this zone’s own policy believes', async (t) => {
  const { input, ports, target, image } = await setup();
  const events: ProgressEvent[] = [];
  const signed = await sign({ ...input, trust }, { ...ports, progress: (event) => events.push(event) });
  t.deepEqual(
    signed.signatures.map(({ role, already }) => [role, already]),
    [
      ['signature', false],
      ['sbom', false],
      ['scan', false],
      ['provenance', false],
    ],
  );
  t.false(signed.already);
  t.is(events.filter(({ type }) => type === 'effect').length, 4);
  t.is((await target.referrers(image.digest)).length, 4);
  t.deepEqual(
    evidenceOf(signed).map(({ role }) => role),
    ['signature', 'sbom', 'scan', 'provenance'],
  );
  const checked = await verifyImage(
    { host: 'dev.azurecr.test', repository, image, content: target, trust },
    { clock, progress: silent },
  );
  t.is(checked.verdict, 'allowed', JSON.stringify(checked.rules, null, 1));
});

test('signing again finds everything done; a new scan makes one new attestation', async (t) => {
  const { input, ports, registry, scan } = await setup();
  const first = await sign({ ...input, trust }, ports);
  const count = registry.manifests(repository).length;
  const again = await sign({ ...input, trust }, ports);
  t.true(again.already);
  t.deepEqual(
    again.signatures.map(({ digest }) => digest),
    first.signatures.map(({ digest }) => digest),
  );
  t.is(registry.manifests(repository).length, count);
  await scan({ finishedAt: '2026-11-21T11:00:00Z' });
  const fresh = await sign({ ...input, trust }, ports);
  t.deepEqual(
    fresh.signatures.filter(({ already }) => !already).map(({ role }) => role),
    ['scan'],
  );
});

test('threat 40: killed after any effect, the next run completes the rest and repeats nothing', async (t) => {
  for (const killAt of [1, 2, 3, 4]) {
    const { input, ports, target, image } = await setup();
    let effects = 0;
    const progress = (event: ProgressEvent): void => {
      if (event.type === 'effect' && (effects += 1) === killAt)
        throw new AmlpromoteError('INTERRUPTED', 'killed');
    };
    await t.throwsAsync(sign({ ...input, trust }, { ...ports, progress }), { message: 'killed' });
    const rest = await sign({ ...input, trust }, ports);
    t.is(rest.signatures.filter(({ already }) => already).length, killAt);
    t.is((await target.referrers(image.digest)).length, 4);
  }
});

test('threat 13: evidence of others is neither taken for ours nor in the way', async (t) => {
  const { input, ports, target, image } = await setup();
  const now = clock.now();
  await pushArtifact(target, await signNotation(image, identities.strangerSigner, now));
  const request = { subject: image, name: 'x', predicateType: predicateTypes.sbom, predicate: bom };
  await pushArtifact(target, await attest(request, identities.strangerSigner, now));
  const signed = await sign({ ...input, trust }, ports);
  t.true(signed.signatures.every(({ already }) => !already));
});

const gates: readonly [string, Options, ErrorCode][] = [
  ['a finding above the gate', { report: { findings: [finding()] } }, 'POLICY_REFUSED'],
  [
    'incomplete coverage',
    { report: { coverage: { components: 1, ecosystems: [], gaps: [gap] } } },
    'INCONCLUSIVE',
  ],
  ['threat 32: a stale scan', { report: { finishedAt: '2026-01-01T00:00:00Z' } }, 'INCONCLUSIVE'],
  ['no scan', { scanned: false }, 'NOT_FOUND'],
  ['no build facts', { built: false }, 'NOT_FOUND'],
];
for (const [title, options, code] of gates) {
  test(`signs nothing: ${title}`, async (t) => {
    const { input, ports, target, image } = await setup(options);
    const error = await t.throwsAsync(sign({ ...input, trust }, ports), { instanceOf: AmlpromoteError });
    t.is(error.code, code);
    t.true(error.nextSteps.length > 0);
    t.deepEqual(await target.referrers(image.digest), []);
  });
}

test('signs nothing that the image rules of this zone refuse', async (t) => {
  const { input, ports } = await setup();
  const strict = await testPolicy(identities, {
    image: { forbidRoot: true },
    trust: { signers: [{ name: 'release', ca: identities.files.releaseCa, subject: 'CN=release' }] },
  });
  const error = await t.throwsAsync(sign({ ...input, trust: await loadTrust(strict) }, ports), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'POLICY_REFUSED');
  t.regex(error.message, /RUNS_AS_ROOT/);
});

test('a scan result that this machine did not make is not signed: it is scanned again', async (t) => {
  const { input, ports, target, image, scan } = await setup();
  await scan({ startedAt: '2026-11-21T09:00:00Z' }, testSeal('another machine'));
  const notes: string[] = [];
  const rescanned: string[] = [];
  const signed = await sign(
    { ...input, trust },
    {
      ...ports,
      progress: (event) => {
        if (event.type === 'note') notes.push(event.message);
      },
      rescan: async ({ digest }) => {
        rescanned.push(digest);
        await scan();
      },
    },
  );
  t.is(signed.signatures.length, 4);
  t.deepEqual(rescanned, [image.digest]);
  t.regex(notes.join(), /not made on this machine/);
  t.is((await target.referrers(image.digest)).length, 4);
});

test('build facts that this machine did not write are not signed', async (t) => {
  const { input, ports, store, image, target } = await setup({ built: false });
  const facts = factsFor(image.digest);
  await writeBuildFacts(store.repository(repository), image, facts, testSeal('another machine'));
  const error = await t.throwsAsync(sign({ ...input, trust }, ports), { instanceOf: AmlpromoteError });
  t.is(error.code, 'INCONCLUSIVE');
  t.regex(error.message, /not made on this machine, or were changed/);
  t.regex(error.nextSteps.join(), /build again/);
  t.deepEqual(await target.referrers(image.digest), []);
});

test('says that an image is not published', async (t) => {
  const { input, ports, registry } = await setup();
  registry.drop(input.image.digest);
  const error = await t.throwsAsync(sign({ ...input, trust }, ports), { instanceOf: AmlpromoteError });
  t.is(error.code, 'NOT_FOUND');
  t.regex(error.nextSteps.join(), /publish/);
});

test('a key that the policy does not trust signs nothing', async (t) => {
  const { input, ports } = await setup();
  for (const signer of [identities.strangerSigner, identities.receiptSigner]) {
    const error = await t.throwsAsync(sign({ ...input, trust }, { ...ports, signer }), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, 'KEY_MISSING');
  }
});

test('an index is signed once', async (t) => {
  const { ports, image } = await setup();
  const first = await signIndex(ports, image);
  t.false(first.already);
  t.deepEqual(await signIndex(ports, image), { ...first, already: true });
});
