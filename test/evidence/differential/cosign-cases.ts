import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Descriptor } from '../../../src/domain/descriptor.ts';
import { annotations, mediaTypes } from '../../../src/domain/media-types.ts';
import { hexOf } from '../../../src/domain/digest.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { preAuthEncoding } from '../../../src/evidence/dsse.ts';

/** An attestation as a registry holds it. */
export interface CosignCase {
  readonly id: string;
  /** JSON text. */
  readonly manifest: string;
  /** Content of its layers, base64. */
  readonly blobs: readonly string[];
  readonly subject: Descriptor;
}

type Json = Record<string, unknown>;
interface Draft {
  statement: Json;
  statementText: (text: string) => string;
  payloadType: string;
  /** What is signed, when it is not the pre-authentication encoding. */
  signed: (encoding: Uint8Array) => Uint8Array;
  key: KeyObject;
  signature: (der: Buffer) => Buffer;
  envelope: (envelope: Json) => Json;
  bundle: (bundle: Json) => Json;
  bundleText: (text: string) => string;
  manifest: (manifest: Json) => Json;
}

export const predicateType = 'https://slsa.dev/provenance/v1';
const subjectName = 'registry.test/ml/churn-train';
const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

type Mutation = readonly [title: string, change: (draft: Draft, image: Descriptor) => void];
const statementIs =
  (change: Json): Mutation[1] =>
  (draft) =>
    Object.assign(draft.statement, change);
const subjectIs =
  (change: (subject: Json) => unknown): Mutation[1] =>
  (draft) => {
    const [subject] = draft.statement.subject as Json[];
    draft.statement.subject = change(subject!);
  };
const envelopeIs =
  (change: Json): Mutation[1] =>
  (draft) => {
    draft.envelope = (envelope) => ({ ...envelope, ...change });
  };
const signaturesAre =
  (change: (one: Json) => unknown): Mutation[1] =>
  (draft) => {
    draft.envelope = (envelope) => ({
      ...envelope,
      signatures: change((envelope.signatures as Json[])[0]!),
    });
  };
const bundleIs =
  (change: Json): Mutation[1] =>
  (draft) => {
    draft.bundle = (bundle) => ({ ...bundle, ...change });
  };
const materialIs =
  (change: Json): Mutation[1] =>
  (draft) => {
    draft.bundle = (bundle) => ({
      ...bundle,
      verificationMaterial: { ...(bundle.verificationMaterial as Json), ...change },
    });
  };
const manifestIs =
  (change: Json): Mutation[1] =>
  (draft) => {
    draft.manifest = (manifest) => ({ ...manifest, ...change });
  };
const layerIs =
  (change: Json): Mutation[1] =>
  (draft) => {
    draft.manifest = (manifest) => ({
      ...manifest,
      layers: (manifest.layers as Json[]).map((layer) => ({ ...layer, ...change })),
    });
  };
const inBundle =
  (from: string, to: string): Mutation[1] =>
  (draft) => {
    draft.bundleText = (text) => text.replace(from, to);
  };
const inStatement =
  (from: string, to: string): Mutation[1] =>
  (draft) => {
    draft.statementText = (text) => text.replace(from, to);
  };

export const cosignMutations: readonly Mutation[] = [
  ['nothing changed', () => undefined],
  // DSSE.
  ...['release', 'sha256:0', ' ', 'é'].map((keyid): Mutation => [
    `keyid ${JSON.stringify(keyid)}`,
    signaturesAre((one) => [{ ...one, keyid }]),
  ]),
  ['keyid empty', signaturesAre((one) => [{ ...one, keyid: '' }])],
  ['keyid null', signaturesAre((one) => [{ ...one, keyid: null }])],
  ['keyid a number', signaturesAre((one) => [{ ...one, keyid: 7 }])],
  ['no signature', signaturesAre(() => [])],
  ['the signature twice', signaturesAre((one) => [one, one])],
  ['junk beside the signature', signaturesAre((one) => [{ sig: 'AAAA' }, one])],
  ['junk behind the signature', signaturesAre((one) => [one, { sig: 'AAAA' }])],
  ['signatures no list', signaturesAre((one) => one)],
  ['a signature member that is unknown', signaturesAre((one) => [{ ...one, cert: 'x' }])],
  ['an envelope member that is unknown', envelopeIs({ other: 1 })],
  ['another payload type in the envelope', envelopeIs({ payloadType: 'application/json' })],
  ['another payload type, signed', (draft) => (draft.payloadType = 'application/json')],
  ['an empty payload type, signed', (draft) => (draft.payloadType = '')],
  ['a payload type in capitals, signed', (draft) => (draft.payloadType = 'application/vnd.in-toto+JSON')],
  ['no payload', envelopeIs({ payload: '' })],
  [
    'a payload without padding',
    (draft) =>
      (draft.envelope = (envelope) => ({
        ...envelope,
        payload: String(envelope.payload).replace(/=+$/, ''),
      })),
  ],
  [
    'a payload in base64url',
    (draft) => {
      draft.statement.predicate = { text: '>>>???' };
      draft.envelope = (envelope) => ({
        ...envelope,
        payload: String(envelope.payload).replaceAll('+', '-').replaceAll('/', '_'),
      });
    },
  ],
  ['signed without the encoding', (draft) => (draft.signed = (encoding) => encoding.subarray(20))],
  ['signed by another key', (draft) => (draft.key = otherKey)],
  ['a signature that is cut', (draft) => (draft.signature = (der) => der.subarray(0, -1))],
  [
    'a signature with a byte behind it',
    (draft) => (draft.signature = (der) => Buffer.concat([der, Buffer.from([0])])),
  ],
  ['a raw signature', (draft) => (draft.signature = () => Buffer.alloc(64, 1))],
  ['an empty signature', (draft) => (draft.signature = () => Buffer.alloc(0))],
  // The statement.
  ['statement v0.1', statementIs({ _type: 'https://in-toto.io/Statement/v0.1' })],
  ['another statement type', statementIs({ _type: 'https://in-toto.io/Other/v1' })],
  ['no statement type', statementIs({ _type: undefined })],
  ['another predicate type', statementIs({ predicateType: 'https://evil.test/v1' })],
  ['no predicate type', statementIs({ predicateType: undefined })],
  ['a predicate type in capitals', statementIs({ predicateType: predicateType.toUpperCase() })],
  ['a predicate type with a slash behind', statementIs({ predicateType: `${predicateType}/` })],
  ['no predicate', statementIs({ predicate: undefined })],
  ['a predicate of null', statementIs({ predicate: null })],
  ['an unknown statement member', statementIs({ other: 1 })],
  ['about another digest', subjectIs((one) => [{ ...one, digest: { sha256: '0'.repeat(64) } }])],
  [
    'about two subjects, ours first',
    subjectIs((one) => [one, { ...one, digest: { sha256: '0'.repeat(64) } }]),
  ],
  [
    'about two subjects, ours last',
    subjectIs((one) => [{ ...one, digest: { sha256: '0'.repeat(64) } }, one]),
  ],
  ['about nothing', subjectIs(() => [])],
  ['no subject', statementIs({ subject: undefined })],
  ['a subject without a name', subjectIs(({ digest }) => [{ digest }])],
  ['a subject with an empty name', subjectIs((one) => [{ ...one, name: '' }])],
  ['a subject of another name', subjectIs((one) => [{ ...one, name: 'x' }])],
  [
    'a digest in capitals',
    subjectIs((one) => [{ ...one, digest: { sha256: String((one.digest as Json).sha256).toUpperCase() } }]),
  ],
  [
    'sha512 beside sha256',
    subjectIs((one) => [{ ...one, digest: { ...(one.digest as Json), sha512: '0'.repeat(128) } }]),
  ],
  ['SHA256 for sha256', subjectIs((one) => [{ ...one, digest: { SHA256: (one.digest as Json).sha256 } }])],
  [
    'a digest with its algorithm',
    subjectIs((one) => [{ ...one, digest: { sha256: `sha256:${String((one.digest as Json).sha256)}` } }]),
  ],
  ['no digest', subjectIs(({ name }) => [{ name }])],
  ['an unknown subject member', subjectIs((one) => [{ ...one, other: 1 }])],
  ['subject in capitals', inStatement('"subject"', '"SUBJECT"')],
  ['predicateType with a long s', inStatement('"subject"', '"ſubject"')],
  ['the subject twice', inStatement('"subject"', '"subject":[],"subject"')],
  ['something behind the statement', (draft) => (draft.statementText = (text) => `${text} {}`)],
  ['a statement that is no object', (draft) => (draft.statementText = () => '[]')],
  // The bundle.
  ['bundle v0.1', bundleIs({ mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1' })],
  ['bundle v0.2', bundleIs({ mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.2' })],
  [
    'bundle v0.3, the older spelling',
    bundleIs({ mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.3' }),
  ],
  ['bundle v0.4', bundleIs({ mediaType: 'application/vnd.dev.sigstore.bundle.v0.4+json' })],
  ['no bundle media type', bundleIs({ mediaType: undefined })],
  ['another hint', materialIs({ publicKey: { hint: 'x' } })],
  ['an empty hint', materialIs({ publicKey: { hint: '' } })],
  ['no hint', materialIs({ publicKey: {} })],
  ['no key', materialIs({ publicKey: undefined })],
  ['a certificate for the key', materialIs({ publicKey: undefined, certificate: { rawBytes: 'AAAA' } })],
  ['a certificate beside the key', materialIs({ certificate: { rawBytes: 'AAAA' } })],
  ['an unknown verification material', materialIs({ other: 1 })],
  ['empty log entries', materialIs({ tlogEntries: [] })],
  ['a malformed log entry', materialIs({ tlogEntries: [{}] })],
  ['no timestamps', materialIs({ timestampVerificationData: { rfc3161Timestamps: [] } })],
  [
    'a malformed timestamp',
    materialIs({ timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: 'AAAA' }] } }),
  ],
  ['no verification material', bundleIs({ verificationMaterial: undefined })],
  ['no envelope', bundleIs({ dsseEnvelope: undefined })],
  [
    'a message signature beside the envelope',
    bundleIs({
      messageSignature: { messageDigest: { algorithm: 'SHA2_256', digest: 'AAAA' }, signature: 'AAAA' },
    }),
  ],
  ['an unknown bundle member', bundleIs({ other: 1 })],
  ['media_type for mediaType', inBundle('"mediaType"', '"media_type"')],
  ['dsse_envelope for dsseEnvelope', inBundle('"dsseEnvelope"', '"dsse_envelope"')],
  ['DSSEEnvelope for dsseEnvelope', inBundle('"dsseEnvelope"', '"DSSEEnvelope"')],
  ['the envelope twice', inBundle('"dsseEnvelope"', '"dsseEnvelope":{},"dsseEnvelope"')],
  ['payloadType twice', inBundle('"payloadType"', '"payloadType":"x","payloadType"')],
  ['something behind the bundle', (draft) => (draft.bundleText = (text) => `${text}{}`)],
  ['blanks around the bundle', (draft) => (draft.bundleText = (text) => ` ${text}\n`)],
  ['a byte order mark', (draft) => (draft.bundleText = (text) => `\uFEFF${text}`)],
  // The manifest.
  ['another layer media type', layerIs({ mediaType: 'application/json' })],
  [
    'the layer media type of bundle v0.2',
    layerIs({ mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.2' }),
  ],
  ['a layer media type in capitals', layerIs({ mediaType: mediaTypes.sigstoreBundle.toUpperCase() })],
  ['another artifact type', manifestIs({ artifactType: 'application/json' })],
  ['no artifact type', manifestIs({ artifactType: undefined })],
  ['no annotations', manifestIs({ annotations: undefined })],
  [
    'another predicate type in the annotations',
    manifestIs({
      annotations: {
        [annotations.bundleContent]: 'dsse-envelope',
        [annotations.predicateType]: 'https://evil.test/v1',
      },
    }),
  ],
  [
    'another content in the annotations',
    manifestIs({
      annotations: {
        [annotations.bundleContent]: 'message-signature',
        [annotations.predicateType]: predicateType,
      },
    }),
  ],
  [
    'two layers',
    (draft) =>
      (draft.manifest = (manifest) => ({
        ...manifest,
        layers: [...(manifest.layers as Json[]), ...(manifest.layers as Json[])],
      })),
  ],
  ['no layer', manifestIs({ layers: [] })],
  ['a layer with urls', layerIs({ urls: ['https://evil.test/'] })],
  [
    'a layer that is longer than it says',
    (draft) =>
      (draft.manifest = (manifest) => ({
        ...manifest,
        layers: (manifest.layers as Json[]).map((layer) => ({ ...layer, size: 2 })),
      })),
  ],
];

/** @param image what the case is about: one of its own, so that no two cases see each other */
export function makeCosignCase([title, change]: Mutation, image: Descriptor, key: KeyObject): CosignCase {
  const draft: Draft = {
    statement: {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: subjectName, digest: { sha256: hexOf(image.digest) } }],
      predicateType,
      predicate: { buildDefinition: {}, runDetails: {} },
    },
    statementText: (text) => text,
    payloadType: mediaTypes.dssePayload,
    signed: (encoding) => encoding,
    key,
    signature: (der) => der,
    envelope: (envelope) => envelope,
    bundle: (bundle) => bundle,
    bundleText: (text) => text,
    manifest: (manifest) => manifest,
  };
  change(draft, image);
  const payload = Buffer.from(draft.statementText(JSON.stringify(draft.statement)));
  const signature = sign('sha256', draft.signed(preAuthEncoding(draft.payloadType, payload)), draft.key);
  const envelope = draft.envelope({
    payload: payload.toString('base64'),
    payloadType: draft.payloadType,
    signatures: [{ sig: draft.signature(signature).toString('base64') }],
  });
  const bundle = draft.bundle({
    mediaType: mediaTypes.sigstoreBundle,
    verificationMaterial: { publicKey: { hint: 'hint' } },
    dsseEnvelope: envelope,
  });
  const layer = Buffer.from(draft.bundleText(JSON.stringify(bundle)));
  const empty = Buffer.from('{}');
  const manifest = draft.manifest({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType: mediaTypes.sigstoreBundle,
    config: { mediaType: mediaTypes.ociEmpty, digest: sha256(empty), size: empty.byteLength },
    layers: [{ mediaType: mediaTypes.sigstoreBundle, digest: sha256(layer), size: layer.byteLength }],
    subject: { mediaType: image.mediaType, digest: image.digest, size: image.size },
    annotations: {
      [annotations.bundleContent]: 'dsse-envelope',
      [annotations.predicateType]: predicateType,
    },
  });
  return {
    id: title,
    manifest: JSON.stringify(manifest),
    blobs: [empty, layer].map((blob) => blob.toString('base64')),
    subject: image,
  };
}

export const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
export const keyFrom = (text: string): KeyObject => createPrivateKey(text);
