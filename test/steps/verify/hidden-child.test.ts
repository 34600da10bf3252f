import { loadTrust } from '../../../src/evidence/trust.ts';
import test from 'ava';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import type { Descriptor } from '../../../src/domain/descriptor.ts';
import { silent } from '../../../src/domain/events.ts';
import { predicateTypes } from '../../../src/domain/media-types.ts';
import type { Release } from '../../../src/domain/release.ts';
import { pushArtifact } from '../../../src/evidence/artifact.ts';
import { attest } from '../../../src/evidence/attestation.ts';
import { scanPredicate } from '../../../src/evidence/predicates/scan.ts';
import type { Repository } from '../../../src/ports/content.ts';
import { writeBuildFacts } from '../../../src/steps/build/facts.ts';
import { writeScanResult } from '../../../src/steps/scan-result.ts';
import { sign } from '../../../src/steps/sign.ts';
import { verifyImage, verifyRelease } from '../../../src/steps/verify.ts';
import { makeIdentities } from '../../support/identities.ts';
import type { ChildParts, Listed } from '../../support/index-children.ts';
import { attestation, layerTar, pushChild, pushIndex } from '../../support/index-children.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { memoryRegistry } from '../../support/memory-registry.ts';
import { testSeal } from '../../support/test-seal.ts';
import { report } from '../../support/scan-reports.ts';
import { bom, factsFor, pushImage, pushRelease, testPolicy } from '../../support/signed-release.ts';

const clock = manualClock('2026-11-21T12:00:00Z');
const now = clock.now();
const identities = await makeIdentities(now);
const { releaseSigner: signer } = identities;
const policy = await testPolicy(identities);
const trust = await loadTrust(policy);
const ports = { clock, progress: silent };
const name = 'ml/churn-train';
const host = 'sec.azurecr.test';

const unknown = { os: 'unknown', architecture: 'unknown' };
const amd64 = { os: 'linux', architecture: 'amd64' };
const annotations = { 'vnd.docker.reference.type': 'attestation-manifest' };
const withTar = {
  ...attestation,
  layers: [...(attestation.layers ?? []), ['text/plain', layerTar] as const],
};

/** What somebody listed beside the image that was scanned, and how. */
const hidden: readonly (readonly [string, ChildParts, object])[] = [
  ['an image as unknown/unknown', {}, { platform: unknown }],
  ['an image as unknown/unknown and as an attestation', {}, { platform: unknown, annotations }],
  ['an image without a platform', {}, {}],
  ['an image with platform null', {}, { platform: null }],
  ['an image as an attestation', {}, { platform: amd64, annotations, artifactType: 'application/x.example' }],
  ['an image as another architecture', {}, { platform: { os: 'linux', architecture: 'arm64' } }],
  ['an image as AMD64', {}, { platform: { os: 'linux', architecture: 'AMD64' } }],
  ['an image as amd64/v3', {}, { platform: { ...amd64, variant: 'v3' } }],
  ['an image of another os.version', {}, { platform: { ...amd64, 'os.version': '10.0.1' } }],
  ['an attestation with a layer to unpack', withTar, { platform: unknown, annotations }],
  ['an image without layers', { layers: [] }, {}],
  [
    'an image whose config has another type',
    { configType: 'application/vnd.oci.empty.v1+json' },
    { platform: amd64 },
  ],
];

async function indexWith(
  target: Repository,
  parts: ChildParts,
  more: object,
): Promise<readonly [Descriptor, Descriptor]> {
  const scanned = await pushImage(target);
  const child = { ...(await pushChild(target, parts)), ...more } as Listed;
  return [await pushIndex(target, [{ ...scanned, platform: amd64 }, child]), scanned];
}

/** Signed SBOM and scan of one image. */
async function evidenceFor(target: Repository, subject: Descriptor): Promise<Release['evidence']> {
  const predicates = { sbom: bom, scan: scanPredicate(report({ image: subject.digest })) };
  const made = [];
  for (const role of ['sbom', 'scan'] as const) {
    const request = { subject, name, predicateType: predicateTypes[role], predicate: predicates[role] };
    const artifact = await attest(request, signer, now);
    await pushArtifact(target, artifact);
    made.push({ role, descriptor: artifact.manifest.descriptor });
  }
  return made;
}

async function verdicts(
  parts: ChildParts,
  more: object,
): Promise<Readonly<Record<'release' | 'image', string>>> {
  const content = memoryRegistry(host).repository(name);
  const [image, scanned] = await indexWith(content, parts, more);
  const extra = await evidenceFor(content, scanned);
  const options = { now, signer, image, signers: { sbom: null, scan: null }, extra };
  const { document } = await pushRelease(content, options);
  const subject = { host, repository: name, content };
  return {
    release: (await verifyRelease({ ...subject, document, trust }, ports)).verdict,
    image: (await verifyImage({ ...subject, image, trust }, ports)).verdict,
  };
}

/** What nobody asked to be scanned has no result. */
const rescan = async (): Promise<never> => Promise.reject(new AmlpromoteError('NOT_FOUND', 'not scanned'));

async function signed(parts: ChildParts, more: object): Promise<unknown> {
  const target = memoryRegistry('dev.azurecr.test').repository(name);
  const store = memoryRegistry('store');
  const [image, scanned] = await indexWith(target, parts, more);
  const [local] = await indexWith(store.repository(name), parts, more);
  const outcome = { report: report({ image: scanned.digest }), sbom: Buffer.from(JSON.stringify(bom)) };
  await writeScanResult(store, {
    repository: name,
    image: scanned,
    outcome,
    cacheKey: 'key',
    seal: testSeal(),
  });
  await writeBuildFacts(store.repository(name), local, factsFor(image.digest), testSeal());
  return sign(
    { repository: name, image, trust },
    { ...ports, target, store, signer, seal: testSeal(), rescan },
  );
}

for (const [title, parts, more] of hidden) {
  test(`threat 10: neither admitted nor signed without SBOM and scan: ${title}`, async (t) => {
    t.deepEqual(await verdicts(parts, more), { release: 'refused', image: 'refused' });
    const error = await t.throwsAsync<Error & { code?: string }>(signed(parts, more));
    t.regex(error.code ?? '', /^(NOT_FOUND|CONTENT_INVALID|POLICY_REFUSED)$/);
  });
}

test('an honest attestation of BuildKit is carried along and needs no SBOM of its own', async (t) => {
  const more = { platform: unknown, annotations };
  t.deepEqual(await verdicts(attestation, more), { release: 'allowed', image: 'allowed' });
  await t.notThrowsAsync(signed(attestation, more));
});

test('a hidden image with evidence of its own is judged like any other', async (t) => {
  const content = memoryRegistry(host).repository(name);
  const scanned = await pushImage(content);
  const child = await pushChild(content);
  const image = await pushIndex(content, [{ ...scanned, platform: amd64 }, child]);
  const extra = [...(await evidenceFor(content, scanned)), ...(await evidenceFor(content, child))];
  const { document } = await pushRelease(content, {
    now,
    signer,
    image,
    signers: { sbom: null, scan: null },
    extra,
  });
  const made = await verifyRelease({ host, repository: name, content, document, trust }, ports);
  t.is(made.verdict, 'allowed');
});

test('an index in an index is refused by every rule that would have to look into it', async (t) => {
  const content = memoryRegistry(host).repository(name);
  const scanned = { ...(await pushImage(content)), platform: amd64 };
  const image = await pushIndex(content, [scanned, await pushIndex(content, [await pushChild(content)])]);
  const { document } = await pushRelease(content, { now, signer, image });
  const made = await verifyRelease({ host, repository: name, content, document, trust }, ports);
  t.is(made.verdict, 'refused');
  for (const rule of ['listing', 'image-policy']) {
    const found = made.rules.find((one) => one.rule === rule);
    t.is(found?.verdict, 'refused');
    t.regex(found?.reasons[0]?.detail ?? '', /lists another index/);
  }
});
