import { loadTrust } from '../../src/evidence/trust.ts';
import test from 'ava';
import type { ImageManifest } from '../../src/domain/descriptor.ts';
import { isDigest } from '../../src/domain/digest.ts';
import type { Digest } from '../../src/domain/digest.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import { silent } from '../../src/domain/events.ts';
import { mediaTypes, predicateTypes } from '../../src/domain/media-types.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { pushArtifact } from '../../src/evidence/artifact.ts';
import { attest, leafOf } from '../../src/evidence/attestation.ts';
import { signNotation } from '../../src/evidence/notation.ts';
import { scanPredicate } from '../../src/evidence/predicates/scan.ts';
import { recordReceipt } from '../../src/evidence/record-receipt.ts';
import { encodeReferrer } from '../../src/evidence/referrer.ts';
import { encodeManifest, parseManifest } from '../../src/oci/manifest.ts';
import type { Repository } from '../../src/ports/content.ts';
import { readOnce } from '../../src/steps/verify/content.ts';
import { requireVerified, verifyImage, verifyRelease } from '../../src/steps/verify.ts';
import type { RuleName, VerificationReport } from '../../src/steps/verify.ts';
import { makeIdentities } from '../support/identities.ts';
import { manualClock } from '../support/manual-clock.ts';
import { memoryRegistry } from '../support/memory-registry.ts';
import { finding, gap, report } from '../support/scan-reports.ts';
import { bom, pushImage, pushRelease, testPolicy } from '../support/signed-release.ts';
import type { ReleaseOptions, SignedRelease } from '../support/signed-release.ts';

const clock = manualClock('2026-11-21T12:00:00Z');
const now = clock.now();
const identities = await makeIdentities(now);
const { releaseSigner: signer, strangerSigner: stranger } = identities;
const policy = await testPolicy(identities);
const trust = await loadTrust(policy);
const ports = { clock, progress: silent };
const name = 'quarantine/ml/churn-train';

async function setup(options: Partial<ReleaseOptions> = {}) {
  const registry = memoryRegistry('sec.azurecr.test');
  const target = registry.repository(name);
  const release = await pushRelease(target, { now, signer, ...options });
  return { registry, target, release, final: registry.repository('ml/churn-train') };
}

const verify = async (
  content: Repository,
  release: Pick<SignedRelease, 'document'>,
  rules = policy,
  receipts?: Repository,
): Promise<VerificationReport> =>
  verifyRelease(
    {
      document: release.document,
      host: 'sec.azurecr.test',
      repository: name,
      content,
      ...(receipts ? { receipts } : {}),
      trust: await loadTrust(rules),
    },
    ports,
  );

/** Rules that did not allow, with the codes of the reasons why. */
const failures = (made: VerificationReport): Partial<Record<RuleName, string>> =>
  Object.fromEntries(
    made.rules
      .filter(({ verdict }) => verdict !== 'allowed')
      .map(({ rule, verdict, reasons }) => [
        rule,
        `${verdict} ${[...new Set(reasons.filter((one) => one.verdict === verdict).map(({ code }) => code))].join()}`,
      ]),
  );

test('a release as the steps make it is allowed, every rule with its sentence, in a fixed order', async (t) => {
  const { target, release } = await setup();
  const made = await verify(target, release);
  t.deepEqual(failures(made), {});
  t.is(made.verdict, 'allowed');
  t.deepEqual(
    made.rules.map(({ rule }) => rule),
    [
      'release-index',
      'index-signature',
      'listing',
      'image-manifest',
      'image-signature',
      'sbom',
      'scan',
      'findings',
      'provenance',
      'image-policy',
      'approvals',
      'rollback',
    ],
  );
  t.true(made.rules.every(({ sentence }) => sentence.endsWith('.')));
  t.true(isDigest(made.policyDigest));
  const verified = requireVerified(made);
  t.is(verified.image.digest, release.image.digest);
  t.is(verified.carried.name, 'churn-train');
  t.is(verified.policyDigest, made.policyDigest);
});

test('a verified release is never serialised, so it cannot come from anywhere else', async (t) => {
  const { target, release } = await setup();
  const made = await verify(target, release);
  t.truthy(made.verified);
  t.false(JSON.stringify(made).includes('carried'));
  t.false('verified' in (JSON.parse(JSON.stringify(made)) as object));
});

test('verification needs only reading: nothing is written', async (t) => {
  const { registry, target, release, final } = await setup();
  registry.calls.length = 0;
  await verify(target, release, policy, final);
  t.true(registry.calls.every((call) => /^(manifest|blob|hasBlob|referrers|resolve|tags) /.test(call)));
  const reads = registry.calls.filter((call) => call.startsWith('manifest '));
  t.is(new Set(reads).size, reads.length, 'each manifest is read once');
});

// What is not as it must be, which rules say so, and how.
const cases: readonly [string, Partial<ReleaseOptions>, Partial<Record<RuleName, string>>][] = [
  ['index not signed', { signers: { index: null } }, { 'index-signature': 'refused SIGNATURE_MISSING' }],
  [
    'index signed by another key',
    { signers: { index: stranger } },
    { 'index-signature': 'refused SIGNATURE_MISSING,SIGNER_UNTRUSTED' },
  ],
  ['image not signed', { signers: { signature: null } }, { 'image-signature': 'refused SIGNATURE_MISSING' }],
  [
    'image signed by another key',
    { signers: { signature: stranger } },
    { 'image-signature': 'refused SIGNATURE_MISSING,SIGNER_UNTRUSTED' },
  ],
  ['no SBOM', { signers: { sbom: null } }, { sbom: 'refused ATTESTATION_MISSING' }],
  [
    'threat 11: SBOM by another key',
    { signers: { sbom: stranger } },
    { sbom: 'refused ATTESTATION_MISSING,SIGNER_UNTRUSTED' },
  ],
  [
    'no scan',
    { signers: { scan: null } },
    { scan: 'refused ATTESTATION_MISSING', findings: 'inconclusive UNREACHABLE' },
  ],
  [
    'threat 11: a clean scan by another key',
    { signers: { scan: stranger } },
    { scan: 'refused ATTESTATION_MISSING,SIGNER_UNTRUSTED', findings: 'inconclusive UNREACHABLE' },
  ],
  ['no provenance', { signers: { provenance: null } }, { provenance: 'refused ATTESTATION_MISSING' }],
  [
    'a receipt key is no release key',
    { signers: { provenance: identities.receiptSigner } },
    { provenance: 'refused ATTESTATION_MISSING,SIGNER_UNTRUSTED' },
  ],
  [
    'threat 12: a scan of another image',
    { report: { image: sha256('other') } },
    { scan: 'refused ATTESTATION_MISSING,ATTESTATION_INVALID', findings: 'inconclusive UNREACHABLE' },
  ],
  [
    'provenance of another image',
    { facts: { image: sha256('other') } },
    { provenance: 'refused ATTESTATION_MISSING,ATTESTATION_INVALID' },
  ],
  ['findings above the gate', { report: { findings: [finding()] } }, { findings: 'refused SEVERITY' }],
  [
    'incomplete coverage',
    { report: { coverage: { components: 1, ecosystems: [], gaps: [gap] } } },
    { findings: 'inconclusive UNKNOWN_COVERAGE' },
  ],
  [
    'threats 9 and 32: a scan of last summer',
    { report: { finishedAt: '2026-07-01T00:00:00Z' } },
    { findings: 'inconclusive STALE_SCAN' },
  ],
  [
    'threat 32: advisories of last summer',
    {
      report: {
        database: { digest: sha256('db'), newest: '2026-07-01T00:00:00Z', ecosystems: ['Debian:12'] },
      },
    },
    { findings: 'inconclusive STALE_DATABASE' },
  ],
  [
    'the carried manifest has another name',
    { carried: { name: 'other' } },
    { 'image-manifest': 'refused IDENTITY_MISMATCH' },
  ],
  [
    'the carried manifest has another version',
    { carried: { version: '9' } },
    { 'image-manifest': 'refused IDENTITY_MISMATCH' },
  ],
];
for (const [title, options, expected] of cases) {
  test(`a release that fails: ${title}`, async (t) => {
    const { target, release } = await setup(options);
    const made = await verify(target, release);
    t.deepEqual(failures(made), expected);
    t.is(made.verified, undefined);
    const error = t.throws(() => requireVerified(made), { instanceOf: AmlpromoteError });
    t.is(error.exitCode, made.verdict === 'refused' ? 10 : 20);
  });
}

test('policy: where no approvals are required, nobody is said to have approved', async (t) => {
  const { target, release } = await setup();
  const { rules } = await verify(target, release);
  const rule = rules.find((one) => one.rule === 'approvals');
  t.is(rule?.verdict, 'allowed');
  t.is(rule?.sentence, 'The policy requires no approvals; none were looked at.');
});

test('a rule that had nothing to ask says so, and claims nothing', async (t) => {
  const { target, release } = await setup();
  const { rules } = await verify(target, release);
  const said = (name: string): string | undefined => rules.find(({ rule }) => rule === name)?.sentence;
  t.regex(said('approvals') ?? '', /requires no approvals/);
  t.regex(said('rollback') ?? '', /^Not asked here/);
  t.regex(said('image-signature') ?? '', /have signed the image/);
});

test('policy: required approvals without any are refused', async (t) => {
  const { target, release } = await setup();
  const strict = await testPolicy(identities, {
    approvals: { required: 1, approvers: [{ name: 'board', certificate: identities.files.receipt }] },
  });
  t.deepEqual(failures(await verify(target, release, strict)), { approvals: 'refused APPROVALS_MISSING' });
});

test('policy: platform, size, user and base are the inside policy’s to judge', async (t) => {
  const { target, release } = await setup();
  const judged = async (image: object): Promise<unknown> =>
    failures(await verify(target, release, await testPolicy(identities, { image })));
  t.deepEqual(await judged({ platforms: ['linux/arm64'] }), { 'image-policy': 'refused PLATFORM' });
  t.deepEqual(await judged({ forbidRoot: true }), { 'image-policy': 'refused RUNS_AS_ROOT' });
  t.deepEqual(await judged({ maxSize: '1KiB' }), {});
  t.deepEqual(await judged({ maxSize: '10B' }), { 'image-policy': 'refused IMAGE_SIZE' });
  t.deepEqual(await judged({ allowedBases: ['debian:12'] }), { 'image-policy': 'refused BASE_NOT_ALLOWED' });
  t.deepEqual(await judged({ allowedBases: ['python:3.12-*'] }), {});
});

test('N of required signers: two entries of one key are one signer', async (t) => {
  const { target, release } = await setup();
  const { releaseCa } = identities.files;
  const trust = {
    required: 2,
    signers: [
      { name: 'one', ca: releaseCa, subject: 'CN=release' },
      { name: 'two', ca: releaseCa, subject: 'O=Contoso' },
    ],
  };
  const made = await verify(target, release, await testPolicy(identities, { trust }));
  t.deepEqual(failures(made), {
    'index-signature': 'refused SIGNATURE_MISSING',
    'image-signature': 'refused SIGNATURE_MISSING',
  });
});

test('N of required signers: two keys that the policy names suffice', async (t) => {
  const { target, release } = await setup();
  await pushArtifact(target, await signNotation(release.image, identities.receiptSigner, now));
  await pushArtifact(target, await signNotation(release.index, identities.receiptSigner, now));
  const trust = {
    required: 2,
    signers: [
      { name: 'one', ca: identities.files.releaseCa, subject: 'CN=release' },
      { name: 'two', ca: identities.files.receipt, subject: 'CN=receipt' },
    ],
  };
  t.deepEqual(failures(await verify(target, release, await testPolicy(identities, { trust }))), {});
});

test('threat 6: signatures stripped on the way are a definite no, named in release.json or not', async (t) => {
  const { registry, target, release } = await setup();
  for (const digest of release.document.signatures) registry.drop(digest);
  t.deepEqual(failures(await verify(target, release)), {
    'index-signature': 'refused SIGNATURE_MISSING,LISTED_MISSING',
  });
});

test('a signature that release.json does not name is found among the referrers', async (t) => {
  const { target, release } = await setup();
  const document = { ...release.document, signatures: [sha256('nothing')] };
  t.deepEqual(failures(await verify(target, { document })), {});
});

test('threat 7: evidence that did not arrive is named', async (t) => {
  const expected: Record<string, Partial<Record<RuleName, string>>> = {
    sbom: { listing: 'refused LISTED_MISSING', sbom: 'refused ATTESTATION_MISSING,LISTED_MISSING' },
    provenance: {
      listing: 'refused LISTED_MISSING',
      provenance: 'refused ATTESTATION_MISSING,LISTED_MISSING',
    },
    'image-manifest': { listing: 'refused LISTED_MISSING', 'image-manifest': 'refused LISTED_MISSING' },
  };
  for (const [role, wanted] of Object.entries(expected)) {
    const { registry, target, release } = await setup();
    registry.drop(release.parts[role as 'sbom']!.digest);
    const made = await verify(target, release);
    t.deepEqual(failures(made), wanted, role);
    t.is(
      t.throws(() => requireVerified(made), { instanceOf: AmlpromoteError }).code,
      'LISTED_CONTENT_MISSING',
    );
  }
});

test('a layer that is missing or short is named', async (t) => {
  const { registry, target, release } = await setup();
  const manifest = parseManifest((await target.manifest(release.image.digest))!);
  registry.drop(manifest.layers[0]!.digest);
  t.deepEqual(failures(await verify(target, release)), { listing: 'refused LISTED_MISSING' });
});

const altered: readonly [string, (target: Repository, release: SignedRelease) => Promise<Digest>][] = [
  ['image manifest', async (_, { image }) => image.digest],
  ['image config', async (target, { image }) => (await manifestOf(target, image.digest)).config.digest],
  ['attestation', async (_, { parts }) => parts.sbom!.digest],
  [
    'attestation content',
    async (target, { parts }) => (await manifestOf(target, parts.sbom!.digest)).layers[0]!.digest,
  ],
  [
    'carried manifest',
    async (target, { parts }) =>
      (await manifestOf(target, parts['image-manifest']!.digest)).layers[0]!.digest,
  ],
];
for (const [title, place] of altered) {
  test(`threat 2: every listed byte counts: ${title}`, async (t) => {
    const { registry, target, release } = await setup();
    registry.corrupt(await place(target, release), Buffer.from('{"altered":true}'));
    const made = await verify(target, release);
    t.is(made.verdict, 'refused');
    t.regex(failures(made).listing ?? '', /^refused .*DIGEST_MISMATCH/);
  });
}

const manifestOf = async (target: Repository, digest: Digest): Promise<ImageManifest> =>
  parseManifest((await target.manifest(digest))!);

test('release.json must name the index that is there, by what it says of itself', async (t) => {
  const { target, release } = await setup();
  for (const [key, value] of Object.entries({
    name: 'other',
    version: '9',
    release: 8,
    repository: 'ml/other',
  })) {
    const made = await verify(target, { document: { ...release.document, [key]: value } });
    t.is(failures(made)['release-index'], 'refused IDENTITY_MISMATCH', key);
    t.is(made.verdict, 'refused');
    t.is(made.rules.length, 12);
  }
  const index = { ...release.document.index, size: 1 };
  const made = await verify(target, { document: { ...release.document, index } });
  t.is(failures(made)['release-index'], 'refused IDENTITY_MISMATCH');
});

test('threat 1: an index that is not there is an open question, one of another kind a refusal', async (t) => {
  const { target, release } = await setup();
  const absent = await verify(target, {
    document: { ...release.document, index: { digest: sha256('absent'), size: 1 } },
  });
  t.is(absent.verdict, 'inconclusive');
  const { digest, size } = release.image;
  const image = await verify(target, { document: { ...release.document, index: { digest, size } } });
  t.is(image.verdict, 'refused');
});

test('threat 8: a counter below one that was admitted here is refused, unless the policy allows it', async (t) => {
  const { target, release, final } = await setup({ counter: 7 });
  const receipt = async (counter: number, index = sha256(String(counter))): Promise<void> => {
    const image = await pushImage(final, String(counter));
    await recordReceipt(
      final,
      {
        image,
        host: 'sec.azurecr.test',
        toolVersion: '0',
        policyDigest: sha256('policy'),
        inputs: [],
        result: 'PASSED',
        release: {
          name: 'churn-train',
          version: `1.${String(counter)}`,
          release: counter,
          repository: 'ml/churn-train',
          index,
        },
        actions: [],
      },
      {
        signer: identities.receiptSigner,
        keys: [{ name: 'receipt', certificate: await leafOf(identities.receiptSigner) }],
        clock,
      },
    );
  };
  await receipt(6);
  t.deepEqual(failures(await verify(target, release, policy, final)), {});
  await receipt(7, release.index.digest);
  t.deepEqual(failures(await verify(target, release, policy, final)), {});
  await receipt(8);
  const made = await verify(target, release, policy, final);
  t.deepEqual(failures(made), { rollback: 'refused ROLLBACK' });
  t.is(t.throws(() => requireVerified(made), { instanceOf: AmlpromoteError }).code, 'ROLLBACK');
  const lenient = await testPolicy(identities, {
    trust: {
      signers: [{ name: 'release', ca: identities.files.releaseCa, subject: 'CN=release' }],
      receipts: [{ name: 'receipt', certificate: identities.files.receipt }],
      allowRollback: true,
    },
  });
  t.deepEqual(failures(await verify(target, release, lenient, final)), {});
});

test('threat 47: a second index under a counter that was admitted is refused', async (t) => {
  const { target, release, final } = await setup({ counter: 7 });
  await recordReceipt(
    final,
    {
      image: await pushImage(final, 'other'),
      host: 'sec.azurecr.test',
      toolVersion: '0',
      policyDigest: sha256('policy'),
      inputs: [],
      result: 'PASSED',
      release: {
        name: 'churn-train',
        version: '1.7',
        release: 7,
        repository: 'ml/churn-train',
        index: sha256('another index'),
      },
      actions: [],
    },
    {
      signer: identities.receiptSigner,
      keys: [{ name: 'receipt', certificate: await leafOf(identities.receiptSigner) }],
      clock,
    },
  );
  const made = await verify(target, release, policy, final);
  t.deepEqual(failures(made), { rollback: 'refused COUNTER_TAKEN' });
  t.is(t.throws(() => requireVerified(made), { instanceOf: AmlpromoteError }).code, 'TAG_CONFLICT');
});

test('threat 10: evidence of another image in the index satisfies nothing', async (t) => {
  const registry = memoryRegistry();
  const target = registry.repository(name);
  const other = await pushRelease(target, { now, signer, flavour: 'other' });
  const made = await verify(
    target,
    await pushRelease(target, {
      now,
      signer,
      signers: { signature: null, sbom: null, scan: null, provenance: null },
      extra: (['signature', 'sbom', 'scan', 'provenance'] as const).map((role) => ({
        role,
        descriptor: other.parts[role]!,
      })),
    }),
  );
  t.deepEqual(failures(made), {
    'image-signature': 'refused SIGNATURE_MISSING,SIGNATURE_INVALID',
    sbom: 'refused ATTESTATION_MISSING,ATTESTATION_INVALID',
    scan: 'refused ATTESTATION_MISSING,ATTESTATION_INVALID',
    findings: 'inconclusive UNREACHABLE',
    provenance: 'refused ATTESTATION_MISSING,ATTESTATION_INVALID',
  });
});

test('threat 10: an image index needs evidence for each platform, and platforms that are what it says', async (t) => {
  const registry = memoryRegistry();
  const target = registry.repository(name);
  const amd64 = await pushImage(target, 'amd64');
  const arm64 = await pushImage(target, 'arm64', { architecture: 'arm64' });
  const index = (second: string) =>
    encodeManifest({
      mediaType: mediaTypes.ociIndex,
      manifests: [
        { ...amd64, platform: { os: 'linux', architecture: 'amd64' } },
        { ...arm64, platform: { os: 'linux', architecture: second } },
      ],
    });
  const both = await testPolicy(identities, { image: { platforms: ['linux/amd64', 'linux/arm64'] } });
  const made = index('arm64');
  await target.pushManifest(made);
  const evidence = [];
  for (const platform of [amd64, arm64]) {
    for (const [kind, predicate] of Object.entries({
      sbom: bom,
      scan: scanPredicate(report({ image: platform.digest })),
    })) {
      const role = kind as 'sbom' | 'scan';
      const predicateType = predicateTypes[role];
      const artifact = await attest({ subject: platform, name, predicateType, predicate }, signer, now);
      await pushArtifact(target, artifact);
      evidence.push({ role, descriptor: artifact.manifest.descriptor });
    }
  }
  const options = { now, signer, image: made.descriptor, signers: { sbom: null, scan: null } };
  t.deepEqual(
    failures(await verify(target, await pushRelease(target, { ...options, extra: evidence }), both)),
    {},
  );

  const half = await pushRelease(target, { ...options, counter: 8, extra: evidence.slice(0, 2) });
  t.deepEqual(failures(await verify(target, half, both)), {
    sbom: 'refused ATTESTATION_MISSING,ATTESTATION_INVALID',
    scan: 'refused ATTESTATION_MISSING,ATTESTATION_INVALID',
    findings: 'inconclusive UNREACHABLE',
  });

  const lying = index('amd64');
  await target.pushManifest(lying);
  const release = await pushRelease(target, {
    ...options,
    counter: 9,
    image: lying.descriptor,
    extra: evidence,
  });
  const judged = failures(await verify(target, release, both));
  t.is(judged['image-policy'], 'refused IDENTITY_MISMATCH');
});

test('threats 11 and 13: junk and strangers beside the good evidence neither satisfy nor block', async (t) => {
  const { target, release } = await setup();
  for (const subject of [release.image, release.index]) {
    await pushArtifact(target, await signNotation(subject, stranger, now));
    for (const bytes of ['junk', '{}', '']) {
      await pushArtifact(
        target,
        encodeReferrer({
          type: { configType: mediaTypes.notationSignature },
          subject,
          layer: { mediaType: mediaTypes.notationEnvelope, bytes: Buffer.from(bytes) },
          annotations: {},
        }),
      );
    }
  }
  t.deepEqual(failures(await verify(target, release)), {});
  const document = { ...release.document, signatures: [sha256('nothing'), release.image.digest] };
  t.deepEqual(failures(await verify(target, { document })), {});
});

/** Junk attached to `subject`, as anybody who may push can. */
async function attachJunk(target: Repository, subject: SignedRelease['index'], count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    await pushArtifact(
      target,
      encodeReferrer({
        type: { configType: mediaTypes.notationSignature },
        subject,
        layer: { mediaType: mediaTypes.notationEnvelope, bytes: Buffer.from(String(at)) },
        annotations: {},
      }),
    );
  }
}

test('threat 46: signatures and attestations are found behind or in front of any number of others', async (t) => {
  const { target, release } = await setup({ signers: { index: null } });
  await attachJunk(target, release.index, 80);
  await attachJunk(target, release.image, 80);
  t.deepEqual(failures(await verify(target, release)), {
    'index-signature': 'refused SIGNATURE_MISSING,SIGNATURE_INVALID',
  });
  await pushArtifact(target, await signNotation(release.index, signer, now));
  const last = await verify(target, release);
  await attachJunk(target, release.index, 160);
  const between = await verify(target, release);
  for (const made of [last, between]) t.deepEqual(failures(made), {});
  const ofImage = await verifyImage(
    { host: 'sec.azurecr.test', repository: name, image: release.image, content: target, trust },
    ports,
  );
  t.deepEqual(failures(ofImage), {});
});

test('threat 17: endless signatures end, and leave the question open', async (t) => {
  const { target, release } = await setup({ signers: { index: null } });
  const listed = Array.from({ length: 5001 }, (_, at) => ({
    mediaType: mediaTypes.ociManifest,
    artifactType: mediaTypes.notationSignature,
    digest: sha256(String(at)),
    size: 1,
  }));
  const endless: Repository = {
    ...target,
    referrers: async (subject, type) =>
      subject === release.index.digest ? listed : await target.referrers(subject, type),
  };
  t.deepEqual(failures(await verify(endless, release)), { 'index-signature': 'inconclusive UNREACHABLE' });
});

const outages: readonly ErrorCode[] = [
  'UNREACHABLE',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NETWORK_DENIED',
  'TIMEOUT',
];
for (const code of outages) {
  test(`"could not check" is never "no": ${code} at every single read`, async (t) => {
    const { registry, target, release, final } = await setup();
    const whole = await verify(target, release, policy, final);
    t.is(whole.verdict, 'allowed');
    registry.calls.length = 0;
    await verify(target, release, policy, final);
    const reads = registry.calls.length;
    for (let read = 0; read < reads; read += 1) {
      const made = await verify(failingAt(target, read, code), release, policy, final);
      t.not(made.verdict, 'refused', `read ${String(read)}`);
    }
    const down = await verify(failingAt(target, 0, code, Infinity), release, policy, final);
    t.is(down.verdict, 'inconclusive');
    t.is(t.throws(() => requireVerified(down), { instanceOf: AmlpromoteError }).code, 'INCONCLUSIVE');
  });
}

/** A repository whose reads fail from the `first` one on, `times` times. */
function failingAt(target: Repository, first: number, code: ErrorCode, times = 1): Repository {
  let count = -1;
  const step = (): void => {
    count += 1;
    if (count >= first && count < first + times)
      throw new AmlpromoteError(code, 'the registry did not answer');
  };
  return {
    ...target,
    manifest: async (reference) => {
      step();
      return target.manifest(reference);
    },
    blob: async (descriptor) => {
      step();
      return target.blob(descriptor);
    },
    hasBlob: async (descriptor) => {
      step();
      return target.hasBlob(descriptor);
    },
    referrers: async (subject, artifactType) => {
      step();
      return target.referrers(subject, artifactType);
    },
  };
}

test('Ctrl-C is not an answer', async (t) => {
  const { target, release } = await setup();
  await t.throwsAsync(verify(failingAt(target, 3, 'INTERRUPTED'), release), {
    instanceOf: AmlpromoteError,
    code: 'INTERRUPTED',
  });
});

test('a policy whose certificate is gone judges nothing', async (t) => {
  const { target, release } = await setup();
  const { trust } = policy;
  const broken = {
    ...policy,
    trust: { ...trust, signers: [{ ...trust.signers[0]!, ca: '/nowhere/ca.pem' }] },
  };
  await t.throwsAsync(verify(target, release, broken), {
    instanceOf: AmlpromoteError,
    code: 'POLICY_MISSING',
  });
});

test('a policy without signers believes nobody', async (t) => {
  const { target, release } = await setup();
  const nobody = await testPolicy(identities, { trust: {} });
  const made = await verify(target, release, nobody);
  t.is(made.verdict, 'refused');
  t.is(failures(made)['image-signature'], 'refused SIGNATURE_MISSING,SIGNER_UNTRUSTED');
});

test('an image with its referrers is judged without a release', async (t) => {
  const { target, release } = await setup();
  const judge = (content: Repository) =>
    verifyImage({ host: 'sec.azurecr.test', repository: name, image: release.image, content, trust }, ports);
  const made = await judge(target);
  t.deepEqual(failures(made), {});
  t.is(made.verified, undefined);
  t.is(made.subject, `sec.azurecr.test/${name}@${release.image.digest}`);
  // Two scans: the newest counts.
  const bad = report({
    image: release.image.digest,
    findings: [finding()],
    finishedAt: '2026-11-21T11:00:00Z',
  });
  const newer = await attest(
    { subject: release.image, name, predicateType: predicateTypes.scan, predicate: scanPredicate(bad) },
    signer,
    now,
  );
  await pushArtifact(target, newer);
  t.deepEqual(failures(await judge(target)), { findings: 'refused SEVERITY' });
  const unreachable = await judge({
    ...target,
    referrers: async () => {
      throw new AmlpromoteError('UNREACHABLE', 'no route');
    },
  });
  t.is(unreachable.verdict, 'inconclusive');
});

test('threat 18: a release with more evidence than anybody would read is refused', async (t) => {
  const { target, release } = await setup();
  const limited = readOnce(target, 4096);
  t.truthy(await limited.manifest(release.index.digest));
  const read = async (): Promise<void> => {
    for (const { digest } of Object.values(release.parts)) await limited.manifest(digest);
  };
  await t.throwsAsync(read, { instanceOf: AmlpromoteError, code: 'CONTENT_INVALID' });
});

test('a bare image is a definite no', async (t) => {
  const target = memoryRegistry().repository(name);
  const image = await pushImage(target);
  const made = await verifyImage({ host: 'h.test', repository: name, image, content: target, trust }, ports);
  t.is(made.verdict, 'refused');
  t.is(failures(made)['image-signature'], 'refused SIGNATURE_MISSING');
});
