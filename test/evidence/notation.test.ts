import test from 'ava';
import fc from 'fast-check';
import type { Descriptor } from '../../src/domain/descriptor.ts';
import { hexOf } from '../../src/domain/digest.ts';
import { mediaTypes } from '../../src/domain/media-types.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { readCertificatesPem } from '../../src/evidence/certificate.ts';
import { parseName } from '../../src/evidence/distinguished-name.ts';
import { notary, signNotation } from '../../src/evidence/notation.ts';
import { encodeReferrer } from '../../src/evidence/referrer.ts';
import { verifyNotation } from '../../src/evidence/verify-notation.ts';
import type { NotationSignature } from '../../src/evidence/verify-notation.ts';
import type { Signer } from '../../src/ports/signer.ts';
import { makeIdentities, releaseSubject } from '../support/identities.ts';

const now = new Date('2026-03-01T12:00:00.500Z');
const identities = await makeIdentities(now);
const signer = identities.releaseSigner;
const anchors = await readCertificatesPem(identities.release.ca.certificate, 'ca');
const trusted = [{ name: 'release', anchors, subject: parseName(releaseSubject) }];
const target: Descriptor = { mediaType: mediaTypes.ociManifest, digest: sha256('image'), size: 5 };

type Json = Record<string, unknown>;
interface Parts {
  payload: Json;
  protected: Json;
  header: Json;
}

const decode = (text: unknown): Json => JSON.parse(Buffer.from(String(text), 'base64url').toString()) as Json;
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const good = await signNotation(target, signer, now);
const goodEnvelope = JSON.parse(Buffer.from(good.blobs[1]!.bytes).toString()) as Json & { header: Json };

/** The good envelope with parts changed and *signed again by the right key*: only the rule in question can refuse it. */
async function resigned(change: (parts: Parts) => void, by: Signer = signer): Promise<NotationSignature> {
  const parts: Parts = {
    payload: decode(goodEnvelope.payload),
    protected: decode(goodEnvelope.protected),
    header: structuredClone(goodEnvelope.header),
  };
  change(parts);
  const payload = encode(parts.payload);
  const header = encode(parts.protected);
  const signature = Buffer.from(await by.sign(Buffer.from(`${header}.${payload}`))).toString('base64url');
  return attached(JSON.stringify({ payload, protected: header, header: parts.header, signature }));
}

/** With the thumbprints of whatever certificates the envelope has, so that this rule is not the one that refuses. */
function attached(envelope: string | Uint8Array, subject = target): NotationSignature {
  const bytes = Buffer.from(envelope);
  const chain = /"x5c":(\[[^\]]*\])/.exec(bytes.toString())?.[1] ?? '[]';
  const thumbprints = (JSON.parse(chain) as string[]).map((der) => hexOf(sha256(Buffer.from(der, 'base64'))));
  const { manifest } = encodeReferrer({
    type: { configType: mediaTypes.notationSignature },
    subject,
    layer: { mediaType: mediaTypes.notationEnvelope, bytes },
    annotations: { [notary.thumbprints]: JSON.stringify(thumbprints) },
  });
  return { manifest, envelope: bytes, target };
}

const verdictOf = async (signature: NotationSignature, at = now): Promise<string> => {
  const check = await verifyNotation(signature, trusted, at);
  return check.verdict === 'allowed'
    ? 'allowed'
    : check.reasons.map((one) => `${one.verdict} ${one.code}`).join();
};

test('signs so that it verifies, names the leaf and the moment, and looks as notation wants it', async (t) => {
  const check = await verifyNotation(
    { manifest: good.manifest, envelope: good.blobs[1]!.bytes, target },
    trusted,
    now,
  );
  t.like(check, { verdict: 'allowed', signers: ['release'], signedAt: '2026-03-01T12:00:00.000Z' });
  const manifest = JSON.parse(Buffer.from(good.manifest.bytes).toString()) as {
    config: { mediaType: string };
    artifactType?: string;
  };
  t.is(manifest.config.mediaType, 'application/vnd.cncf.notary.signature');
  t.is(manifest.artifactType, undefined);
  t.deepEqual(decode(goodEnvelope.protected), {
    alg: 'ES256',
    crit: ['io.cncf.notary.signingScheme'],
    cty: 'application/vnd.cncf.notary.payload.v1+json',
    'io.cncf.notary.signingScheme': 'notary.x509',
    'io.cncf.notary.signingTime': '2026-03-01T12:00:00Z',
  });
  t.is(await verdictOf(await resigned(() => undefined)), 'allowed');
});

const refusals: readonly [string, (parts: Parts) => void][] = [
  ['an unknown critical header', ({ protected: p }) => (p.crit = [notary.scheme, 'x'])],
  ['a critical header that is absent', ({ protected: p }) => (p.crit = [notary.scheme, notary.expiry])],
  ['a critical header twice', ({ protected: p }) => (p.crit = [notary.scheme, notary.scheme])],
  ['no critical headers', ({ protected: p }) => delete p.crit],
  ['a scheme that is not critical', ({ protected: p }) => (p.crit = ['alg'])],
  ['an expiry that is not critical', ({ protected: p }) => (p[notary.expiry] = '2027-01-01T00:00:00Z')],
  ['another scheme', ({ protected: p }) => (p[notary.scheme] = 'notary.x509.signingAuthority')],
  ['another content type', ({ protected: p }) => (p.cty = 'text/plain')],
  ['a signing time with fractions', ({ protected: p }) => (p[notary.signingTime] = '2026-03-01T12:00:00.1Z')],
  ['no signing time', ({ protected: p }) => (p[notary.signingTime] = undefined)],
  [
    'a signing time outside the certificate',
    ({ protected: p }) => (p[notary.signingTime] = '2025-03-01T12:00:00Z'),
  ],
  ['a header that Go reads as alg', ({ protected: p }) => (p.ALG = 'PS256')],
  ['a header that Go reads as x5c', ({ header }) => (header.X5C = header.x5c)],
  ['an unknown payload member', ({ payload }) => (payload.other = 1)],
  ['an unknown target member', ({ payload }) => ((payload.targetArtifact as Json).urls = ['https://x.test'])],
  ['another digest', ({ payload }) => ((payload.targetArtifact as Json).digest = sha256('other'))],
  ['another size', ({ payload }) => ((payload.targetArtifact as Json).size = 6)],
  ['another media type', ({ payload }) => ((payload.targetArtifact as Json).mediaType = mediaTypes.ociIndex)],
  [
    'threat 3: another digest algorithm',
    ({ payload }) => ((payload.targetArtifact as Json).digest = `sha512:${'0'.repeat(128)}`),
  ],
  ['no certificate', ({ header }) => (header.x5c = [])],
  [
    'threat 17: an endless chain',
    ({ header }) => (header.x5c = Array.from({ length: 40 }, () => (header.x5c as string[])[0])),
  ],
];
for (const [title, change] of refusals) {
  test(`refuses, even by the right key: ${title}`, async (t) => {
    t.regex(await verdictOf(await resigned(change)), /^refused SIGNATURE_INVALID/);
  });
}

for (const alg of ['PS256', 'ES384', 'HS256', 'none', 'RS256', 'es256']) {
  test(`threat 16: the algorithm belongs to the key, not to the envelope: ${alg}`, async (t) => {
    t.is(await verdictOf(await resigned(({ protected: p }) => (p.alg = alg))), 'refused SIGNATURE_INVALID');
  });
}

test('the leaf alone leads to no CA', async (t) => {
  const signature = await resigned(({ header }) => (header.x5c = (header.x5c as string[]).slice(0, 1)));
  t.is(await verdictOf(signature), 'refused SIGNER_UNTRUSTED');
});

test('an expiry in time is honoured', async (t) => {
  const withExpiry = (time: string): Promise<NotationSignature> =>
    resigned(({ protected: p }) => {
      p[notary.expiry] = time;
      p.crit = [notary.scheme, notary.expiry];
    });
  t.is(await verdictOf(await withExpiry('2026-03-02T00:00:00Z')), 'allowed');
  t.is(await verdictOf(await withExpiry('2026-03-01T00:00:00Z')), 'refused SIGNATURE_INVALID');
});

test('threat 37: a signature from the future is an open question, not a lie', async (t) => {
  const signature = await resigned(({ protected: p }) => (p[notary.signingTime] = '2026-03-01T13:00:00Z'));
  t.is(await verdictOf(signature), 'inconclusive SIGNATURE_INVALID');
  t.is(await verdictOf(signature, new Date('2026-03-01T12:58:00Z')), 'allowed');
});

test('threat 11: another key, another CA with the same names, another subject', async (t) => {
  const stranger = await signNotation(target, identities.strangerSigner, now);
  t.is(
    await verdictOf({ manifest: stranger.manifest, envelope: stranger.blobs[1]!.bytes, target }),
    'refused SIGNER_UNTRUSTED',
  );
  const receipt = await signNotation(target, identities.receiptSigner, now);
  t.is(
    await verdictOf({ manifest: receipt.manifest, envelope: receipt.blobs[1]!.bytes, target }),
    'refused SIGNER_UNTRUSTED',
  );
  // The right certificates with a signature of another key.
  t.is(
    await verdictOf(await resigned(() => undefined, identities.strangerSigner)),
    'refused SIGNATURE_INVALID',
  );
});

test('a signature that is attached to something else does not count, whatever it signs', async (t) => {
  const elsewhere = attached(JSON.stringify(goodEnvelope), { ...target, digest: sha256('other') });
  t.is(await verdictOf(elsewhere), 'refused SIGNATURE_INVALID');
});

test('the thumbprint annotation must be that of the certificates', async (t) => {
  for (const value of [undefined, '[]', 'junk', JSON.stringify(['0'.repeat(64), '0'.repeat(64)])]) {
    const { manifest } = encodeReferrer({
      type: { configType: mediaTypes.notationSignature },
      subject: target,
      layer: { mediaType: mediaTypes.notationEnvelope, bytes: good.blobs[1]!.bytes },
      annotations: value === undefined ? {} : { [notary.thumbprints]: value },
    });
    t.is(await verdictOf({ manifest, envelope: good.blobs[1]!.bytes, target }), 'refused SIGNATURE_INVALID');
  }
});

test('threat 5: duplicate keys anywhere are refused', async (t) => {
  const text = JSON.stringify(goodEnvelope);
  const doubled = text.replace('{"payload"', '{"payload":"e30","payload"');
  t.not(doubled, text);
  t.is(await verdictOf(attached(doubled)), 'refused SIGNATURE_INVALID');
  t.is(await verdictOf(attached(text.replace('{', '{"unknown":1,'))), 'refused SIGNATURE_INVALID');
});

test('tampering with any byte of what is signed, or of the signature, is refused', async (t) => {
  const envelope = goodEnvelope as unknown as Record<string, string>;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('payload', 'protected', 'signature'),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      async (part, position, flip) => {
        const bytes = Buffer.from(envelope[part]!, 'base64url');
        bytes[position % bytes.length]! ^= flip;
        const changed = { ...envelope, [part]: bytes.toString('base64url') };
        return (await verdictOf(attached(JSON.stringify(changed)))).startsWith('refused');
      },
    ),
    { numRuns: 150 },
  );
  t.pass();
});

test('junk of any kind is refused, never thrown', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((text) => Buffer.from(text)),
      ),
      async (bytes) => (await verdictOf(attached(bytes))).startsWith('refused'),
    ),
    { numRuns: 100 },
  );
  t.pass();
});
