import { loadTrust } from '../../src/evidence/trust.ts';
import { createPublicKey } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { silent } from '../../src/domain/events.ts';
import { predicateTypes } from '../../src/domain/media-types.ts';
import { readCertificatesPem } from '../../src/evidence/certificate.ts';
import { verifyImage } from '../../src/steps/verify.ts';
import { leafOf } from '../../src/evidence/attestation.ts';
import { recordReceipt } from '../../src/evidence/record-receipt.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { manualClock } from '../support/manual-clock.ts';
import { createRegistry } from '../../src/oci/registry/registry.ts';
import { hasDockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import type { DockerRegistry } from '../support/docker-registry.ts';
import { makeIdentities, temporaryFolder } from '../support/identities.ts';
import type { TestIdentities } from '../support/identities.ts';
import { runTool } from '../support/run-tool.ts';
import type { ToolResult } from '../support/run-tool.ts';
import { pushImage, pushRelease, testPolicy } from '../support/signed-release.ts';
import type { SignedRelease } from '../support/signed-release.ts';
import { findTool, needing, notationOracle } from '../support/tools.ts';
import type { NeedyTest } from '../support/tools.ts';

/**
 * The commands of docs/verify-with-public-tools.md, as they stand there, against a real registry. What these tools accept or
 * refuse is the measure: our own verifier could share a mistake with our own signer.
 */
const repository = 'ml/churn-train';
const now = new Date();

interface Stage {
  readonly registry: DockerRegistry;
  readonly identities: TestIdentities;
  readonly release: SignedRelease;
  /** Signed and attested by a key that has the same names but another CA. */
  readonly foreign: SignedRelease;
  readonly bare: string;
  readonly reference: (digest: string) => string;
}

let stage: Stage;

test.before(async () => {
  if (!hasDockerRegistry) return;
  const registry = await startDockerRegistry();
  const identities = await makeIdentities(now);
  const target = createRegistry({ host: registry.host, scheme: 'http' }).repository(repository);
  stage = {
    registry,
    identities,
    release: await pushRelease(target, { now, signer: identities.releaseSigner }),
    foreign: await pushRelease(target, {
      now,
      signer: identities.strangerSigner,
      flavour: 'foreign',
      counter: 8,
    }),
    bare: (await pushImage(target, 'bare')).digest,
    reference: (digest) => `${registry.host}/${repository}@${digest}`,
  };
});

test.after.always(async () => {
  if (hasDockerRegistry) await stage.registry.stop();
});

/** The stage is set where there is a registry to set it in. */
const onStage = (...tools: readonly string[]): NeedyTest => needing('docker-registry', ...tools);

const notation = onStage(notationOracle);

/** A configuration as docs/verify-with-public-tools.md tells an auditor to make it. */
function notationHome(scope: string): Readonly<Record<string, string>> {
  const home = temporaryFolder('notation');
  const folder = path.join(home, 'notation');
  mkdirSync(path.join(folder, 'truststore/x509/ca/release'), { recursive: true });
  writeFileSync(
    path.join(folder, 'truststore/x509/ca/release/ca.pem'),
    stage.identities.release.ca.certificate,
  );
  writeFileSync(
    path.join(folder, 'trustpolicy.json'),
    JSON.stringify({
      version: '1.0',
      trustPolicies: [
        {
          name: 'release',
          registryScopes: [scope],
          signatureVerification: { level: 'strict' },
          trustStores: ['ca:release'],
          trustedIdentities: ['x509.subject: C=JP, ST=Tokyo, O=Contoso, CN=release'],
        },
      ],
    }),
  );
  return { HOME: home, XDG_CONFIG_HOME: home };
}

const notationVerify = (digest: string, at = repository): Promise<ToolResult> => {
  const name = `${stage.registry.host}/${at}`;
  return runTool(
    findTool(notationOracle)!,
    ['verify', '--plain-http', `${name}@${digest}`],
    notationHome(name),
  );
};

notation('notation verify, strict: image and release index', async (t) => {
  for (const { digest } of [stage.release.image, stage.release.index]) {
    const { code, stdout, stderr } = await notationVerify(digest);
    t.is(code, 0, stderr);
    t.regex(stdout, /Successfully verified signature/);
  }
});

notation('notation verify refuses what another CA signed, and what nobody signed', async (t) => {
  for (const digest of [stage.foreign.image.digest, stage.foreign.index.digest, stage.bare])
    t.not((await notationVerify(digest)).code, 0);
});

notation(
  'what notation itself signs, with RSA and as JWS, is believed; its COSE is passed over',
  async (t) => {
    const home = temporaryFolder('notation-signs');
    const tool = findTool(notationOracle)!;
    const files = ['--key', path.join(home, 'interop.key'), '--certificates', path.join(home, 'interop.crt')];
    const made = await runTool(tool, ['generate-test', ...files, 'interop']);
    t.is(made.code, 0, made.stderr);
    const target = createRegistry({ host: stage.registry.host, scheme: 'http' }).repository(repository);
    const image = await pushImage(target, 'signed by notation');
    const [certificate] = await readCertificatesPem(
      readFileSync(path.join(home, 'interop.crt'), 'utf8'),
      'interop.crt',
    );
    const policy = await testPolicy(stage.identities, {
      trust: {
        signers: [
          {
            name: 'interop',
            ca: path.join(home, 'interop.crt'),
            subject: certificate.name,
          },
        ],
      },
    });
    const trust = await loadTrust(policy);
    const judge = async (): Promise<string | undefined> => {
      const report = await verifyImage(
        { host: stage.registry.host, repository, image, content: target, trust },
        { clock: { now: () => new Date() }, progress: silent },
      );
      return report.rules.find(({ rule }) => rule === 'image-signature')?.verdict;
    };
    for (const [format, verdict] of [
      ['cose', 'refused'],
      ['jws', 'allowed'],
    ] as const) {
      const how = ['--plain-http', '--signature-format', format, ...files];
      const signed = await runTool(tool, ['sign', ...how, stage.reference(image.digest)]);
      t.is(signed.code, 0, signed.stderr);
      t.is(await judge(), verdict, format);
    }
  },
);

const cosign = onStage('cosign');

function publicKey(pem: string): string {
  const file = path.join(temporaryFolder('cosign'), 'release.pub');
  writeFileSync(file, createPublicKey(pem).export({ type: 'spki', format: 'pem' }));
  return file;
}

async function cosignMajor(): Promise<number> {
  const { stdout } = await runTool(findTool('cosign')!, ['version', '--json']);
  return Number(/"gitVersion":\s*"v(\d+)/.exec(stdout)?.[1] ?? 0);
}

async function verifyAttestation(
  type: string,
  digest: string,
  key = publicKey(stage.identities.release.leaf.key),
): Promise<ToolResult> {
  const home = temporaryFolder('cosign-home');
  // Without a trusted root, cosign before 3.0.4 asks Sigstore's public service for one, though a key needs none.
  const root = path.join(home, 'no-root.json');
  writeFileSync(root, '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}');
  const offline = ['--insecure-ignore-tlog=true', '--trusted-root', root];
  if ((await cosignMajor()) < 3) offline.push('--new-bundle-format');
  return runTool(
    findTool('cosign')!,
    [
      'verify-attestation',
      '--key',
      key,
      '--type',
      type,
      ...offline,
      '--allow-http-registry',
      stage.reference(digest),
    ],
    { HOME: home },
  );
}

for (const kind of ['sbom', 'scan', 'provenance'] as const) {
  cosign(`cosign verify-attestation --key: ${kind}`, async (t) => {
    const good = await verifyAttestation(predicateTypes[kind], stage.release.image.digest);
    t.is(good.code, 0, good.stderr);
    const payload = JSON.parse(good.stdout.trim().split('\n')[0]!) as { payload: string };
    const statement = JSON.parse(Buffer.from(payload.payload, 'base64').toString()) as {
      predicateType: string;
      subject: { digest: { sha256: string } }[];
    };
    t.is(statement.predicateType, predicateTypes[kind]);
    t.is(`sha256:${statement.subject[0]!.digest.sha256}`, stage.release.image.digest);
    const foreign = await verifyAttestation(predicateTypes[kind], stage.foreign.image.digest);
    t.not(foreign.code, 0);
  });
}

cosign('cosign verify-attestation refuses another predicate type, and a bare image', async (t) => {
  t.not((await verifyAttestation('https://openvex.dev/ns', stage.release.image.digest)).code, 0);
  t.not((await verifyAttestation(predicateTypes.sbom, stage.bare)).code, 0);
});

cosign('cosign verify-attestation --key: receipt', async (t) => {
  const { host } = stage.registry;
  const { image, document } = stage.release;
  const { name, version, release } = document;
  const { receiptSigner: signer, files } = stage.identities;
  await recordReceipt(
    createRegistry({ host, scheme: 'http' }).repository(repository),
    {
      image,
      host,
      toolVersion: '0',
      policyDigest: sha256('policy'),
      inputs: [document.index.digest],
      result: 'PASSED',
      release: { name, version, release, repository, index: document.index.digest },
      actions: ['mounted'],
    },
    {
      signer,
      keys: [{ name: 'receipt', certificate: await leafOf(signer) }],
      clock: manualClock(now.toISOString()),
    },
  );
  const receiptKey = publicKey(readFileSync(files.receipt, 'utf8'));
  const good = await verifyAttestation(predicateTypes.receipt, image.digest, receiptKey);
  t.is(good.code, 0, good.stderr);
  t.not((await verifyAttestation(predicateTypes.receipt, image.digest)).code, 0);
});

const oras = onStage('oras');

oras('oras discover lists the evidence of the image', async (t) => {
  const { code, stdout, stderr } = await runTool(
    findTool('oras')!,
    ['discover', '--plain-http', '--format', 'json', stage.reference(stage.release.image.digest)],
    { HOME: temporaryFolder('oras') },
  );
  t.is(code, 0, stderr);
  for (const part of ['signature', 'sbom', 'scan', 'provenance', 'image-manifest'] as const)
    t.true(stdout.includes(stage.release.parts[part]!.digest), part);
});

const travel = onStage('oras', notationOracle);

travel(
  'threat 6: copied by the index alone, without asking for referrers, it verifies at the target',
  async (t) => {
    const copied = 'copied/churn-train';
    const { index, image, parts } = stage.release;
    const { host } = stage.registry;
    const copy = await runTool(
      findTool('oras')!,
      [
        'cp',
        '--from-plain-http',
        '--to-plain-http',
        stage.reference(index.digest),
        `${host}/${copied}:release-7`,
      ],
      { HOME: temporaryFolder('oras') },
    );
    t.is(copy.code, 0, copy.stderr);
    const target = createRegistry({ host, scheme: 'http' }).repository(copied);
    t.is((await target.resolve('release-7'))?.digest, index.digest);
    t.truthy(await target.resolve(parts.signature!.digest));
    const { code, stderr } = await notationVerify(image.digest, copied);
    t.is(code, 0, stderr);
  },
);
