import { createHash, generateKeyPairSync, sign as cryptoSign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { toSignedEntity, Verifier } from '@sigstore/verify';
import type { Descriptor } from '../../src/domain/descriptor.ts';
import { mediaTypes, predicateTypes } from '../../src/domain/media-types.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { rawToDer } from '../../src/evidence/algorithm.ts';
import { attest, leafOf, verifyAttestation } from '../../src/evidence/attestation.ts';
import type { Attestation, AttestationWanted } from '../../src/evidence/attestation.ts';
import { preAuthEncoding } from '../../src/evidence/dsse.ts';
import { encodeReferrer } from '../../src/evidence/referrer.ts';
import { makeIdentities } from '../support/identities.ts';

const now = new Date('2026-03-01T12:00:00Z');
const identities = await makeIdentities(now);
const signer = identities.releaseSigner;
const keys = [{ name: 'release', certificate: await leafOf(signer) }];
const subject: Descriptor = { mediaType: mediaTypes.ociManifest, digest: sha256('image'), size: 5 };
const wanted: AttestationWanted = { subject, predicateType: predicateTypes.sbom };
const request = { ...wanted, name: 'ml/churn-train', predicate: { bomFormat: 'CycloneDX', n: [1, 'ä'] } };

type Json = Record<string, unknown>;
interface BundleJson extends Json {
  verificationMaterial: Json;
  dsseEnvelope: { payload: string; payloadType: string; signatures: Json[] };
}

const made = await attest(request, signer, now);
const good: Attestation = { manifest: made.manifest, bundle: made.blobs[1]!.bytes };
const goodBundle = JSON.parse(Buffer.from(good.bundle).toString()) as BundleJson;

function attached(bundle: unknown, to = subject): Attestation {
  const bytes = bundle instanceof Uint8Array ? bundle : Buffer.from(JSON.stringify(bundle));
  const { manifest } = encodeReferrer({
    type: { artifactType: mediaTypes.sigstoreBundle },
    subject: to,
    layer: { mediaType: mediaTypes.sigstoreBundle, bytes },
    annotations: {},
  });
  return { manifest, bundle: bytes };
}

/** Any payload, signed by the right key. */
async function signed(payload: unknown, payloadType: string = mediaTypes.dssePayload): Promise<Attestation> {
  const bytes = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
  const sig = Buffer.from(rawToDer(await signer.sign(preAuthEncoding(payloadType, bytes)))).toString(
    'base64',
  );
  const dsseEnvelope = { payload: bytes.toString('base64'), payloadType, signatures: [{ sig }] };
  return attached({ ...goodBundle, dsseEnvelope });
}

const statement = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'x', digest: { sha256: subject.digest.slice(7) } }],
  predicateType: predicateTypes.sbom,
  predicate: {},
};

const verdictOf = async (attestation: Attestation, about = wanted): Promise<string> => {
  const check = await verifyAttestation(attestation, about, keys);
  return check.verdict === 'allowed'
    ? 'allowed'
    : check.reasons.map((one) => `${one.verdict} ${one.code}`).join();
};

test('attests so that it verifies, and carries what cosign looks for', async (t) => {
  const check = await verifyAttestation(good, wanted, keys);
  t.like(check, { verdict: 'allowed', predicate: request.predicate });
  const manifest = JSON.parse(Buffer.from(good.manifest.bytes).toString()) as Json;
  t.like(manifest, {
    artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': 'https://cyclonedx.org/bom',
      'org.opencontainers.image.created': '2026-03-01T12:00:00Z',
    },
  });
  t.is(await verdictOf(await signed(statement)), 'allowed');
});

test('@sigstore/verify believes it as well, and refuses it under another key', async (t) => {
  const entity = toSignedEntity({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: {
      content: {
        $case: 'publicKey',
        publicKey: { hint: String((goodBundle.verificationMaterial.publicKey as Json).hint) },
      },
      tlogEntries: [],
      timestampVerificationData: undefined,
    },
    content: {
      $case: 'dsseEnvelope',
      dsseEnvelope: {
        payload: Buffer.from(goodBundle.dsseEnvelope.payload, 'base64'),
        payloadType: goodBundle.dsseEnvelope.payloadType,
        signatures: [
          { sig: Buffer.from(String(goodBundle.dsseEnvelope.signatures[0]!.sig), 'base64'), keyid: '' },
        ],
      },
    },
  });
  const verifierOf = (publicKey: KeyObject): Verifier =>
    new Verifier(
      {
        certificateAuthorities: [],
        timestampAuthorities: [],
        tlogs: [],
        ctlogs: [],
        publicKey: () => ({ publicKey, validFor: () => true }),
      },
      { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0 },
    );
  t.notThrows(() => verifierOf(keys[0]!.certificate.publicKey).verify(entity));
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
  t.throws(() => verifierOf(other).verify(entity));
});

test('threat 11: another key, another subject, another place', async (t) => {
  const stranger = await attest(request, identities.strangerSigner, now);
  t.is(
    await verdictOf({ manifest: stranger.manifest, bundle: stranger.blobs[1]!.bytes }),
    'refused SIGNER_UNTRUSTED',
  );
  const other = { ...subject, digest: sha256('other') };
  t.is(await verdictOf(good, { ...wanted, subject: other }), 'refused ATTESTATION_INVALID');
  t.is(await verdictOf(attached(goodBundle, other)), 'refused ATTESTATION_INVALID');
  // Re-attached to the image it is asked about, it still says which one it is about.
  t.is(
    await verdictOf(attached(goodBundle, other), { ...wanted, subject: other }),
    'refused ATTESTATION_INVALID',
  );
});

test('threat 12: a good signature over another predicate proves nothing', async (t) => {
  t.is(
    await verdictOf(good, { ...wanted, predicateType: predicateTypes.scan }),
    'refused ATTESTATION_INVALID',
  );
  const signature = { ...statement, predicateType: 'https://sigstore.dev/cosign/sign/v1' };
  t.is(await verdictOf(await signed(signature)), 'refused ATTESTATION_INVALID');
});

test('threat 14: a bundle with log entries or timestamps that nobody here can verify is not believed', async (t) => {
  const material = goodBundle.verificationMaterial;
  for (const more of [
    { tlogEntries: [{ logIndex: '1' }] },
    { timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: 'x' }] } },
  ]) {
    const bundle = { ...goodBundle, verificationMaterial: { ...material, ...more } };
    t.is(await verdictOf(attached(bundle)), 'refused ATTESTATION_INVALID');
  }
});

test('threat 15: a key or certificate in the bundle is not the key that is asked', async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const payload = Buffer.from(JSON.stringify(statement));
  const sig = cryptoSign('sha256', preAuthEncoding(mediaTypes.dssePayload, payload), privateKey).toString(
    'base64',
  );
  const dsseEnvelope = {
    ...goodBundle.dsseEnvelope,
    payload: payload.toString('base64'),
    signatures: [{ sig }],
  };
  const hint = createHash('sha256').update(spki).digest('base64');
  t.is(
    await verdictOf(attached({ ...goodBundle, verificationMaterial: { publicKey: { hint } }, dsseEnvelope })),
    'refused SIGNER_UNTRUSTED',
  );
  const rawBytes = spki.toString('base64');
  for (const verificationMaterial of [
    { publicKey: { hint, rawBytes } },
    { certificate: { rawBytes } },
    { x509CertificateChain: { certificates: [{ rawBytes }] } },
  ]) {
    t.is(
      await verdictOf(attached({ ...goodBundle, verificationMaterial, dsseEnvelope })),
      'refused ATTESTATION_INVALID',
    );
  }
});

test('threat 16: a raw signature, one over another hash, or one over the bare payload is none', async (t) => {
  const payload = Buffer.from(goodBundle.dsseEnvelope.payload, 'base64');
  const pae = preAuthEncoding(mediaTypes.dssePayload, payload);
  const withSignature = (sig: Uint8Array): Attestation =>
    attached({
      ...goodBundle,
      dsseEnvelope: {
        ...goodBundle.dsseEnvelope,
        signatures: [{ sig: Buffer.from(sig).toString('base64') }],
      },
    });
  const raw = await signer.sign(pae);
  t.is(await verdictOf(withSignature(raw)), 'refused SIGNER_UNTRUSTED');
  t.is(await verdictOf(withSignature(rawToDer(await signer.sign(payload)))), 'refused SIGNER_UNTRUSTED');
  const key = identities.release.leaf.key;
  t.is(await verdictOf(withSignature(cryptoSign('sha384', pae, key))), 'refused SIGNER_UNTRUSTED');
});

const wrongStatements: readonly [string, unknown, string?][] = [
  ['statement v0.1', { ...statement, _type: 'https://in-toto.io/Statement/v0.1' }],
  ['no subject', { ...statement, subject: [] }],
  ['two subjects', { ...statement, subject: [...statement.subject, ...statement.subject] }],
  [
    'a second digest algorithm',
    { ...statement, subject: [{ digest: { ...statement.subject[0]!.digest, sha1: 'x' } }] },
  ],
  [
    'upper-case digest',
    { ...statement, subject: [{ digest: { sha256: subject.digest.slice(7).toUpperCase() } }] },
  ],
  ['an unknown member', { ...statement, other: 1 }],
  ['a misspelt twin', { ...statement, PredicateType: predicateTypes.scan }],
  ['threat 5: duplicate keys', JSON.stringify(statement).replace('{', '{"predicateType":"x",')],
  ['no JSON', 'junk'],
  ['another payload type', statement, 'text/plain'],
];
for (const [title, payload, payloadType] of wrongStatements) {
  test(`refuses, even by the right key: ${title}`, async (t) => {
    t.is(await verdictOf(await signed(payload, payloadType)), 'refused ATTESTATION_INVALID');
  });
}

const [signature] = goodBundle.dsseEnvelope.signatures;
const wrongBundles: readonly [string, unknown][] = [
  [
    'another media type',
    { ...goodBundle, mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.2' },
  ],
  [
    'two signatures',
    { ...goodBundle, dsseEnvelope: { ...goodBundle.dsseEnvelope, signatures: [signature, signature] } },
  ],
  ['no signature', { ...goodBundle, dsseEnvelope: { ...goodBundle.dsseEnvelope, signatures: [] } }],
  ['a message signature', { ...goodBundle, dsseEnvelope: undefined, messageSignature: {} }],
  ['an unknown member', { ...goodBundle, other: 1 }],
  ['base64url', { ...goodBundle, dsseEnvelope: { ...goodBundle.dsseEnvelope, payload: 'e30' } }],
];
for (const [title, bundle] of wrongBundles) {
  test(`threat 13: a foreign bundle does not satisfy: ${title}`, async (t) => {
    t.is(await verdictOf(attached(bundle)), 'refused ATTESTATION_INVALID');
  });
}

test('tampering with any byte of payload or signature is refused', async (t) => {
  const { payload, payloadType } = goodBundle.dsseEnvelope;
  const texts = { payload, sig: String(signature!.sig) };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('payload' as const, 'sig' as const),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      async (part, position, flip) => {
        const bytes = Buffer.from(texts[part], 'base64');
        bytes[position % bytes.length]! ^= flip;
        const changed = { ...texts, [part]: bytes.toString('base64') };
        const dsseEnvelope = { payload: changed.payload, payloadType, signatures: [{ sig: changed.sig }] };
        return (await verdictOf(attached({ ...goodBundle, dsseEnvelope }))).startsWith('refused');
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

test('r‖s becomes minimal DER for any numbers', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (raw) => {
      const der = Buffer.from(rawToDer(raw));
      let offset = 2;
      const integers = [0, 1].map(() => {
        const length = der[offset + 1]!;
        const bytes = der.subarray(offset + 2, offset + 2 + length);
        offset += 2 + length;
        return bytes;
      });
      const values = integers.map((bytes) => BigInt(`0x${bytes.toString('hex')}`));
      const isMinimal = integers.every(
        (bytes) => bytes[0]! < 0x80 && (bytes.length === 1 || bytes[0] !== 0 || bytes[1]! >= 0x80),
      );
      const hex = Buffer.from(raw).toString('hex');
      return (
        isMinimal &&
        der[1] === der.length - 2 &&
        offset === der.length &&
        values[0] === BigInt(`0x${hex.slice(0, 64)}`) &&
        values[1] === BigInt(`0x${hex.slice(64)}`)
      );
    }),
  );
  t.pass();
});
