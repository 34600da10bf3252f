import { loadTrust } from '../../../src/evidence/trust.ts';
import test from 'ava';
import fc from 'fast-check';
import type { Descriptor } from '../../../src/domain/descriptor.ts';
import { predicateTypes } from '../../../src/domain/media-types.ts';
import { pushArtifact } from '../../../src/evidence/artifact.ts';
import { attest } from '../../../src/evidence/attestation.ts';
import { readCertificatesPem } from '../../../src/evidence/certificate.ts';
import { signNotation } from '../../../src/evidence/notation.ts';
import { provenancePredicate } from '../../../src/evidence/predicates/provenance.ts';
import { scanPredicate } from '../../../src/evidence/predicates/scan.ts';
import { silent } from '../../../src/domain/events.ts';
import { verifyImage } from '../../../src/steps/verify.ts';
import type { VerificationReport } from '../../../src/steps/verify.ts';
import { countSigners } from '../../../src/steps/verify/signatures.ts';
import type { Signer } from '../../../src/ports/signer.ts';
import { makeIdentities } from '../../support/identities.ts';
import { memoryRegistry } from '../../support/memory-registry.ts';
import { report } from '../../support/scan-reports.ts';
import { bom, factsFor, pushImage, testPolicy } from '../../support/signed-release.ts';

const now = new Date('2026-11-22T12:00:00Z');
const identities = await makeIdentities(now);
const others = await makeIdentities(now);
const certificates = await Promise.all(
  [identities, others].flatMap(({ release }) => [
    readCertificatesPem(release.leaf.chain, 'leaf'),
    readCertificatesPem(release.ca.certificate, 'ca'),
  ]),
).then((chains) => chains.map(([leaf]) => leaf));

type Pair = readonly [signer: string, key: number];

/** The largest number of pairs with every signer and every key used once, by trying all. */
function bestPairing(pairs: readonly Pair[]): number {
  const [first, ...rest] = pairs;
  if (!first) return 0;
  const without = bestPairing(rest);
  const [signer, key] = first;
  return Math.max(without, 1 + bestPairing(rest.filter((one) => one[0] !== signer && one[1] !== key)));
}

test('signers are counted as pairs of one signer and one key, whatever the order of the signatures', (t) => {
  const signature = fc.record({
    signers: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 3 }),
    key: fc.nat({ max: certificates.length - 1 }),
  });
  fc.assert(
    fc.property(fc.array(signature, { maxLength: 6 }), fc.nat(), (signatures, turn) => {
      const verified = signatures.map(({ signers, key }) => ({ signers, leaf: certificates[key]! }));
      const wanted = bestPairing(
        signatures.flatMap(({ signers, key }) => signers.map((signer): Pair => [signer, key])),
      );
      const cut = signatures.length === 0 ? 0 : turn % signatures.length;
      const turned = [...verified.slice(cut), ...verified.slice(0, cut)].toReversed();
      return countSigners(verified) === wanted && countSigners(turned) === wanted;
    }),
    { numRuns: 300 },
  );
  t.pass();
});

const trust = {
  signers: [
    { name: 'one', ca: identities.files.releaseCa, subject: 'CN=release,O=Contoso,ST=Tokyo,C=JP' },
    { name: 'two', ca: others.files.releaseCa, subject: 'CN=release,O=Contoso,ST=Tokyo,C=JP' },
  ],
};

/** An image with evidence by `attester`, and signatures in the given order. */
async function imageSignedBy(
  signers: readonly Signer[],
  attester: Signer,
): Promise<{
  registry: ReturnType<typeof memoryRegistry>;
  image: Descriptor;
  signatures: readonly Descriptor[];
}> {
  const registry = memoryRegistry();
  const target = registry.repository('ml/churn-train');
  const image = await pushImage(target);
  const predicates = {
    sbom: bom,
    scan: scanPredicate(report({ image: image.digest })),
    provenance: provenancePredicate(factsFor(image.digest)),
  };
  for (const kind of ['sbom', 'scan', 'provenance'] as const) {
    const request = {
      subject: image,
      name: target.name,
      predicateType: predicateTypes[kind],
      predicate: predicates[kind],
    };
    await pushArtifact(target, await attest(request, attester, now));
  }
  const signatures: Descriptor[] = [];
  for (const signer of signers) {
    const artifact = await signNotation(image, signer, now);
    await pushArtifact(target, artifact);
    signatures.push(artifact.manifest.descriptor);
  }
  return { registry, image, signatures };
}

async function judge(
  { registry, image }: Awaited<ReturnType<typeof imageSignedBy>>,
  reorder: (listed: readonly Descriptor[]) => readonly Descriptor[] = (listed) => listed,
): Promise<VerificationReport> {
  const target = registry.repository('ml/churn-train');
  const content = {
    ...target,
    referrers: async (...asked: Parameters<typeof target.referrers>) => [
      ...reorder(await target.referrers(...asked)),
    ],
  };
  return await verifyImage(
    {
      host: 'dev.azurecr.test',
      repository: 'ml/churn-train',
      image,
      content,
      trust: await loadTrust(await testPolicy(identities, { trust })),
    },
    { clock: { now: () => now }, progress: silent },
  );
}

test('two trusted signers, one required: whoever is listed first, the evidence of either is believed', async (t) => {
  const { releaseSigner: one } = identities;
  const { releaseSigner: two } = others;
  for (const attester of [one, two]) {
    const made = await imageSignedBy([two, one, two], attester);
    t.is((await judge(made)).verdict, 'allowed');
    t.is((await judge(made, (listed) => listed.toReversed())).verdict, 'allowed');
    t.is((await judge(made, (listed) => [...listed.slice(1), ...listed.slice(0, 1)])).verdict, 'allowed');
  }
});

test('evidence by a key whose signature could not be read is an open question, not a lie', async (t) => {
  const made = await imageSignedBy([identities.releaseSigner, others.releaseSigner], others.releaseSigner);
  const target = made.registry.repository('ml/churn-train');
  const unread = made.signatures[1]!.digest;
  const { AmlpromoteError } = await import('../../../src/domain/errors.ts');
  const content = {
    ...target,
    manifest: async (reference: string) => {
      if (reference === unread) throw new AmlpromoteError('UNREACHABLE', 'try again');
      return await target.manifest(reference);
    },
  };
  const verification = await verifyImage(
    {
      host: 'dev.azurecr.test',
      repository: 'ml/churn-train',
      image: made.image,
      content,
      trust: await loadTrust(await testPolicy(identities, { trust })),
    },
    { clock: { now: () => now }, progress: silent },
  );
  t.is(verification.verdict, 'inconclusive');
  t.is(verification.rules.find(({ rule }) => rule === 'image-signature')?.verdict, 'allowed');
  t.is(verification.rules.find(({ rule }) => rule === 'sbom')?.verdict, 'inconclusive');
});

test('evidence by a stranger stays refused when every signature was read', async (t) => {
  const made = await imageSignedBy([identities.releaseSigner], identities.strangerSigner);
  t.is((await judge(made)).verdict, 'refused');
});
