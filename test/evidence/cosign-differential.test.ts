import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { createPrivateKey } from 'node:crypto';
import test from 'ava';
import type { Digest } from '../../src/domain/digest.ts';
import { mediaTypes } from '../../src/domain/media-types.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { verifyAttestation } from '../../src/evidence/attestation.ts';
import { readCertificatesPem } from '../../src/evidence/certificate.ts';
import { createLoneIdentity } from '../../src/evidence/certificates.ts';
import { checking } from '../../src/evidence/check.ts';
import { referrerFacts } from '../../src/evidence/referrer.ts';
import { hasDockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { temporaryFolder } from '../support/identities.ts';
import { runTool } from '../support/run-tool.ts';
import { findTool, needing } from '../support/tools.ts';
import { cosignMutations, makeCosignCase, predicateType } from './differential/cosign-cases.ts';
import type { CosignCase } from './differential/cosign-cases.ts';
import { pushRaw } from './differential/push-raw.ts';

/**
 * Never laxer than cosign: attestations, each bent in one place and signed again by the right key, judged by `cosign
 * verify-attestation --key` and by us. Its answers are recorded; made anew with AMLPROMOTE_RECORD=1 where cosign and
 * docker-registry are.
 */
interface Recorded extends CosignCase {
  readonly verified: boolean;
  readonly ours: string;
}
interface Header {
  readonly version: string;
  readonly recordedAt: string;
  /** PEM, self-signed, of the one key. */
  readonly certificate: string;
}
const file = path.join(import.meta.dirname, 'recorded/cosign.jsonl.gz');

async function ourVerdict(one: CosignCase, certificate: string): Promise<string> {
  const bytes = Buffer.from(one.manifest);
  const manifest = {
    descriptor: { mediaType: mediaTypes.ociManifest, digest: sha256(bytes), size: bytes.byteLength },
    bytes,
  };
  const [leaf] = await readCertificatesPem(certificate, 'test key');
  const check = await checking('case', 'ATTESTATION_INVALID', async () => {
    // As `loadReferrer` reads it: the one layer, by its digest and size.
    const { layer } = referrerFacts(manifest);
    const bundle = one.blobs
      .map((blob) => Buffer.from(blob, 'base64'))
      .find((blob) => sha256(blob) === layer.digest)!;
    if (bundle.byteLength !== layer.size) return { verdict: 'refused' as const, reasons: [] };
    return await verifyAttestation({ manifest, bundle }, { subject: one.subject, predicateType }, [
      { name: 'release', certificate: leaf },
    ]);
  });
  return check.verdict;
}

test('nothing that cosign refused on the day of the recording is allowed', async (t) => {
  const [first = '{}', ...lines] = gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n');
  const { version, recordedAt, certificate } = JSON.parse(first) as Header;
  const cases = lines.map((line) => JSON.parse(line) as Recorded);
  t.log(`${cases.length} attestations, ${version}, ${recordedAt}`);
  t.true(cases.length >= 72);
  t.true(cases.find(({ id }) => id === 'nothing changed')?.verified);
  for (const one of cases) {
    const verdict = await ourVerdict(one, certificate);
    t.false(verdict === 'allowed' && !one.verified, one.id);
    t.is(verdict, one.ours, one.id);
  }
});

const cosign = findTool('cosign');

needing('cosign', { name: 'docker-registry', isHere: hasDockerRegistry })(
  'never laxer than cosign, asked now',
  async (t) => {
    const registry = await startDockerRegistry();
    t.teardown(() => registry.stop());
    const identity = await createLoneIdentity({
      subject: 'CN=release,O=Contoso,ST=Tokyo,C=JP',
      days: 30_000,
      clock: { now: () => new Date() },
    });
    const [{ publicKey }] = await readCertificatesPem(identity.certificate, 'test key');
    const folder = temporaryFolder('cosign');
    const key = path.join(folder, 'key.pub');
    writeFileSync(key, publicKey.export({ type: 'spki', format: 'pem' }));
    const environment = { HOME: folder, DOCKER_CONFIG: folder };

    const ask = async (one: CosignCase, again = 2): Promise<boolean> => {
      const { code, stderr } = await runTool(
        cosign!,
        [
          ...['verify-attestation', '--key', key, '--type', predicateType],
          ...['--insecure-ignore-tlog=true', '--allow-http-registry'],
          `${registry.host}/ml/churn-train@${one.subject.digest}`,
        ],
        environment,
      );
      // That it could not ask is no answer.
      if (code < 0 || /\b(?:dial tcp|connection re|EOF|timeout|deadline)/i.test(stderr)) {
        if (again > 0) return ask(one, again - 1);
        throw new Error(`cosign could not ask: ${stderr}`);
      }
      return code === 0;
    };

    const recorded: Recorded[] = [];
    const left = [...cosignMutations.entries()];
    const worker = async (): Promise<void> => {
      for (let next = left.shift(); next; next = left.shift()) {
        const [index, mutation] = next;
        const image = await pushRaw(registry.host, 'ml/churn-train', imageNumber(index));
        const one = makeCosignCase(mutation, image, createPrivateKey(identity.key));
        const isThere = await pushRaw.attached(registry.host, 'ml/churn-train', one);
        const verified = isThere && (await ask(one));
        const ours = await ourVerdict(one, identity.certificate);
        recorded[index] = { ...one, verified, ours };
        t.false(
          ours === 'allowed' && !verified,
          `${one.id}: ${isThere ? 'refused' : 'not taken by the registry'}`,
        );
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    if (process.env.AMLPROMOTE_RECORD !== '1') return;
    const { stdout } = await runTool(cosign!, ['version', '--json'], environment);
    const header: Header = {
      version: `cosign ${(JSON.parse(stdout) as { gitVersion: string }).gitVersion}`,
      recordedAt: new Date().toISOString(),
      certificate: identity.certificate,
    };
    writeFileSync(
      file,
      gzipSync(`${[header, ...recorded].map((line) => JSON.stringify(line)).join('\n')}\n`, { level: 9 }),
    );
  },
);

/** Another image for each case. */
const imageNumber = (index: number): { readonly manifest: string; readonly blobs: readonly Buffer[] } => {
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      number: index,
      rootfs: { type: 'layers', diff_ids: [] },
    }),
  );
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: {
      mediaType: mediaTypes.ociConfig,
      digest: sha256(config) satisfies Digest,
      size: config.byteLength,
    },
    layers: [],
  });
  return { manifest, blobs: [config] };
};
