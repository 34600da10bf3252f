import { loadTrust } from '../../../src/evidence/trust.ts';
import test from 'ava';
import type { BuildFacts } from '../../../src/domain/build.ts';
import type { Descriptor } from '../../../src/domain/descriptor.ts';
import { silent } from '../../../src/domain/events.ts';
import { predicateTypes } from '../../../src/domain/media-types.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { pushArtifact } from '../../../src/evidence/artifact.ts';
import { attest } from '../../../src/evidence/attestation.ts';
import { provenancePredicate } from '../../../src/evidence/predicates/provenance.ts';
import { parseManifest } from '../../../src/oci/manifest.ts';
import { readBlob } from '../../../src/oci/verified.ts';
import type { Repository } from '../../../src/ports/content.ts';
import { writeBuildFacts } from '../../../src/steps/build/facts.ts';
import { writeScanResult } from '../../../src/steps/scan-result.ts';
import { sign } from '../../../src/steps/sign.ts';
import type { SignPorts } from '../../../src/steps/sign.ts';
import { verifyImage } from '../../../src/steps/verify.ts';
import { makeIdentities } from '../../support/identities.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { memoryRegistry } from '../../support/memory-registry.ts';
import { testSeal } from '../../support/test-seal.ts';
import { report } from '../../support/scan-reports.ts';
import { bom, factsFor, oldFactsFor, pushImage, testPolicy } from '../../support/signed-release.ts';

const clock = manualClock('2026-11-21T12:00:00Z');
const identities = await makeIdentities(clock.now());
const policy = await testPolicy(identities);
const trust = await loadTrust(policy);
const repository = 'ml/churn-train';

interface Options {
  readonly facts?: Partial<BuildFacts>;
  readonly oldFacts?: boolean;
}

/** An image that is published and scanned, with the facts of its build. */
async function setup({ facts = {}, oldFacts = false }: Options) {
  const store = memoryRegistry('store');
  const target = memoryRegistry('dev.azurecr.test').repository(repository);
  const image = await pushImage(target);
  await pushImage(store.repository(repository));
  await writeScanResult(store, {
    repository,
    image,
    outcome: { report: report({ image: image.digest }), sbom: Buffer.from(JSON.stringify(bom)) },
    cacheKey: 'key',
    seal: testSeal(),
  });
  const made = oldFacts ? oldFactsFor : factsFor;
  await writeBuildFacts(store.repository(repository), image, made(image.digest, facts), testSeal());
  const ports: SignPorts = {
    target,
    store,
    seal: testSeal(),
    rescan: async () => Promise.reject(new Error('it is scanned already')),
    signer: identities.releaseSigner,
    clock,
    progress: silent,
  };
  return { target, image, ports, input: { repository, image } };
}

/** All that was attached to an image, in text. */
async function attachedText(target: Repository, image: Descriptor): Promise<string> {
  const texts: string[] = [];
  for (const { digest } of await target.referrers(image.digest)) {
    const content = await target.manifest(digest);
    for (const layer of content ? parseManifest(content).layers : []) {
      const bytes = await readBlob(target, layer, 1e6);
      const { dsseEnvelope } = JSON.parse(Buffer.from(bytes).toString()) as {
        dsseEnvelope?: { payload: string };
      };
      if (dsseEnvelope) texts.push(Buffer.from(dsseEnvelope.payload, 'base64').toString());
    }
  }
  return texts.join('\n');
}

test('values of build arguments that nobody called public are in no evidence, also not of what 0.1.0 recorded', async (t) => {
  const args = { BASE: 'python:3.12-slim', TOKEN: 'hunter2-secret' };
  const { input, ports, target, image } = await setup({ oldFacts: true, facts: { args } });
  await sign({ ...input, trust }, ports);
  const text = await attachedText(target, image);
  t.true(text.includes('https://amlpromote.dev/build/engine/v1'));
  t.false(text.includes('hunter2'));
  const checked = await verifyImage(
    { host: 'dev.azurecr.test', repository, image, content: target, trust },
    { clock, progress: silent },
  );
  t.is(checked.verdict, 'allowed');
});

test('zones.yaml asks for the formats of 0.1: what its readers know, with no values of arguments', async (t) => {
  const facts = { argNames: ['BASE', 'TOKEN'], args: { BASE: 'python:3.12-slim' } };
  const { input, ports, target, image } = await setup({ facts });
  await sign({ ...input, trust }, { ...ports, formats: '0.1' });
  const text = await attachedText(target, image);
  t.true(text.includes('https://amlpromote.dev/build/engine/v1'));
  t.false(/engine\/v2|"role"|"argNames"|TOKEN/.test(text));
  const again = await sign({ ...input, trust }, { ...ports, formats: '0.1' });
  t.true(again.already);
  const newest = await sign({ ...input, trust }, ports);
  t.false(newest.already);
});

test('provenance that version 0.1.0 attached is used again as it is', async (t) => {
  const { input, ports, target, image } = await setup({ oldFacts: true });
  const { digest: attached } = (
    await attest(
      {
        subject: image,
        name: repository,
        predicateType: predicateTypes.provenance,
        predicate: provenancePredicate(oldFactsFor(image.digest)),
      },
      identities.releaseSigner,
      clock.now(),
    ).then(async (artifact) => {
      await pushArtifact(target, artifact);
      return artifact;
    })
  ).manifest.descriptor;
  const { signatures } = await sign({ ...input, trust }, ports);
  t.like(
    signatures.find(({ role }) => role === 'provenance'),
    { digest: attached, already: true },
  );
});

const [root] = factsFor(sha256('x')).bases;
for (const [what, options, code] of [
  ['the image begins with its layers', {}, undefined],
  ['it does not', { facts: { bases: [{ ...root!, layers: [sha256('other')] }] } }, 'INCONCLUSIVE'],
  ['version 0.1.0 recorded it', { oldFacts: true }, 'INCONCLUSIVE'],
  ['it is not allowed', { facts: { bases: [{ ...root!, name: 'evil:1' }] } }, 'POLICY_REFUSED'],
  [
    'a copied image is not allowed',
    { facts: { bases: [root!, { name: 'evil:1', role: 'copy' }] } },
    'POLICY_REFUSED',
  ],
] as const) {
  test(`nothing is signed whose base this zone does not believe: ${what}`, async (t) => {
    const { input, ports } = await setup(options);
    const strict = await testPolicy(identities, { image: { allowedBases: ['python:*'] } });
    if (code === undefined) await t.notThrowsAsync(sign({ ...input, trust: await loadTrust(strict) }, ports));
    else await t.throwsAsync(sign({ ...input, trust: await loadTrust(strict) }, ports), { code });
  });
}
