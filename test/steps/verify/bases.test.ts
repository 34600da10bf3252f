import { loadTrust } from '../../../src/evidence/trust.ts';
import test from 'ava';
import type { Digest } from '../../../src/domain/digest.ts';
import { silent } from '../../../src/domain/events.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import type { PolicyRules } from '../../../src/manifest/policy.ts';
import { encodeManifest } from '../../../src/oci/manifest.ts';
import { verifyRelease } from '../../../src/steps/verify.ts';
import type { VerificationReport } from '../../../src/steps/verify.ts';
import { makeIdentities } from '../../support/identities.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { memoryRegistry } from '../../support/memory-registry.ts';
import { factsFor, pushImage, pushRelease, sampleLayer, testPolicy } from '../../support/signed-release.ts';
import type { ReleaseOptions } from '../../support/signed-release.ts';

const clock = manualClock('2026-11-21T12:00:00Z');
const now = clock.now();
const identities = await makeIdentities(now);
const signer = identities.releaseSigner;
const anyBase = await testPolicy(identities);
const target = memoryRegistry('sec.azurecr.test').repository('quarantine/ml/churn-train');

async function judged(options: Partial<ReleaseOptions>, rules: PolicyRules): Promise<VerificationReport> {
  const { document } = await pushRelease(target, { now, signer, ...options });
  return verifyRelease(
    {
      document,
      host: 'sec.azurecr.test',
      repository: target.name,
      content: target,
      trust: await loadTrust(rules),
    },
    { clock, progress: silent },
  );
}

/** What rule `image-policy` says, with the codes of the reasons why; undefined when it allows. */
function saysOf({ rules }: VerificationReport): string | undefined {
  const rule = rules.find((one) => one.rule === 'image-policy');
  if (!rule || rule.verdict === 'allowed') return undefined;
  const codes = rule.reasons.filter(({ verdict }) => verdict === rule.verdict).map(({ code }) => code);
  return `${rule.verdict} ${[...new Set(codes)].join()}`;
}

const policyOf = (image: object) => testPolicy(identities, { image });

const otherLayer = sha256('another layer');
const python = factsFor(sha256('x')).bases[0]!;
const bases: readonly (readonly [string, Partial<ReleaseOptions>, string | undefined])[] = [
  ['the image begins with its layers', {}, undefined],
  [
    'the image begins with others',
    { facts: { bases: [{ ...python, layers: [otherLayer] }] } },
    'inconclusive BASE_UNPROVEN',
  ],
  [
    'the image has fewer than the base',
    { facts: { bases: [{ ...python, layers: [sampleLayer, otherLayer] }] } },
    'inconclusive BASE_UNPROVEN',
  ],
  [
    'its layers were not learnt',
    { facts: { bases: [{ name: python.name, role: 'root' }] } },
    'inconclusive BASE_UNPROVEN',
  ],
  ['version 0.1.0 recorded it', { oldFacts: true }, 'inconclusive BASE_UNPROVEN'],
  [
    'a copied image is not allowed',
    { facts: { bases: [python, { name: 'evil:1', role: 'copy' }] } },
    'refused BASE_NOT_ALLOWED',
  ],
  [
    'the frontend is not allowed',
    { facts: { bases: [python, { name: 'docker/dockerfile:1', role: 'frontend' }] } },
    'refused BASE_NOT_ALLOWED',
  ],
  [
    'from scratch',
    { facts: { bases: [{ name: 'scratch', role: 'root', layers: [] }] } },
    'refused BASE_NOT_ALLOWED',
  ],
];
for (const [what, options, expected] of bases) {
  test(`policy: an allowed base is proven by the layers of the image: ${what}`, async (t) => {
    t.is(saysOf(await judged(options, await policyOf({ allowedBases: ['python:*'] }))), expected);
    t.is(
      (await judged(options, anyBase)).verdict,
      'allowed',
      'a policy that allows any base is not concerned',
    );
  });
}

test('policy: what only the signer claims of a base is said to be claimed', async (t) => {
  const tools = { name: 'tools:1', digest: sha256('tools'), role: 'copy' as const };
  const allowedBases = ['python:*', `tools@${tools.digest}`];
  const made = await judged({ facts: { bases: [python, tools] } }, await policyOf({ allowedBases }));
  t.is(made.verdict, 'allowed');
  const reasons = made.rules.flatMap((rule) => rule.reasons).filter(({ code }) => code === 'BASE_CLAIMED');
  t.like(reasons, { length: 1, 0: { verdict: 'allowed', subject: 'tools:1' } });
  t.regex(reasons[0]?.detail ?? '', /claims/);
});

test('policy: each platform of an image must begin with the layers of the base', async (t) => {
  const platformOf = async (architecture: string, diffId: Digest) => ({
    ...(await pushImage(target, architecture, {
      architecture,
      rootfs: { type: 'layers', diff_ids: [diffId] },
    })),
    platform: { os: 'linux', architecture },
  });
  const rules = await policyOf({ allowedBases: ['python:*'], platforms: ['linux/amd64', 'linux/arm64'] });
  for (const [arm, expected] of [
    [sampleLayer, undefined],
    [otherLayer, 'inconclusive BASE_UNPROVEN'],
  ] as const) {
    const manifests = [await platformOf('amd64', sampleLayer), await platformOf('arm64', arm)];
    const content = encodeManifest({ mediaType: mediaTypes.ociIndex, manifests });
    await target.pushManifest(content);
    t.is(saysOf(await judged({ image: content.descriptor }, rules)), expected);
  }
});

test('policy: values of build arguments', async (t) => {
  const args = async (rule: string, options: Partial<ReleaseOptions>): Promise<string | undefined> =>
    saysOf(await judged(options, await policyOf({ args: rule })));
  t.is(await args('public', {}), 'refused ARGS_NOT_PUBLIC');
  t.is(await args('public', { facts: { argNames: ['BASE'] } }), undefined);
  t.is(await args('public', { oldFacts: true }), undefined);
  t.is(await args('any', {}), undefined);
});
