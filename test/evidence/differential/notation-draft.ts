import { constants, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { notary } from '../../../src/evidence/notation.ts';
import {
  ecdsaWith,
  extension,
  hex,
  keyUsage,
  nameOf,
  oid,
  sequence,
  tlv,
  utcTime,
  writeCertificate,
} from '../../support/certificate-writer.ts';
import type { Attribute, CertificateParts } from '../../support/certificate-writer.ts';

export interface NotationCase {
  readonly id: string;
  /** base64 */
  readonly envelope: string;
  readonly descriptor: { readonly mediaType: string; readonly digest: string; readonly size: number };
  /** PEM */
  readonly ca: readonly string[];
  /** RFC 4514, of the one signer that the policy names. */
  readonly subject: string;
}

export type Json = Record<string, unknown>;
export type Chain = readonly Buffer[];

/** Everything that a mutation may touch before the envelope is signed and written. */
export interface Draft {
  root: CertificateParts;
  issuing: CertificateParts | undefined;
  leaf: CertificateParts;
  /** What the leaf is signed with, by default the key of whatever stands above it. */
  leafIssuerKey: KeyObject | undefined;
  rootIssuerKey: KeyObject | undefined;
  leafKey: KeyObject;
  /** The chain as it goes into the envelope. */
  chain: (chain: Chain) => Chain;
  anchors: (chain: Chain) => Chain;
  payload: Json;
  protected: Json;
  header: Json;
  subject: string;
  protectedText: (text: string) => string;
  payloadText: (text: string) => string;
  envelopeText: (text: string) => string;
  signature: (data: Buffer) => Buffer;
}

export const ec = (namedCurve: string): { publicKey: KeyObject; privateKey: KeyObject } =>
  generateKeyPairSync('ec', { namedCurve });
export const keys = {
  root: ec('P-256'),
  issuing: ec('P-256'),
  leaf: ec('P-256'),
  other: ec('P-256'),
  p384: ec('P-384'),
  p521: ec('P-521'),
  p224: ec('secp224r1'),
  k256: ec('secp256k1'),
  ed: generateKeyPairSync('ed25519'),
  rsa1024: generateKeyPairSync('rsa', { modulusLength: 1024 }),
  rsa2048: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  rsa2560: generateKeyPairSync('rsa', { modulusLength: 2560 }),
  rsa3072: generateKeyPairSync('rsa', { modulusLength: 3072 }),
};
export const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

export const target = { mediaType: mediaTypes.ociManifest, digest: sha256('image'), size: 955 };
export const rootName = nameOf([['C', 'JP', 0x13]], [['O', 'Contoso']], [['CN', 'release CA']]);
export const issuingName = nameOf([['C', 'JP', 0x13]], [['O', 'Contoso']], [['CN', 'issuing CA']]);
export const usual: readonly (readonly Attribute[])[] = [
  [['C', 'JP', 0x13]],
  [['ST', 'Tokyo']],
  [['O', 'Contoso']],
  [['CN', 'release']],
];
export const subjectText = 'CN=release,O=Contoso,ST=Tokyo,C=JP';

export const basic = (ca: boolean, pathLength?: number): Buffer =>
  sequence(
    ...(ca ? [hex('0101ff')] : []),
    ...(pathLength === undefined ? [] : [tlv(0x02, Buffer.from([pathLength]))]),
  );
export const caExtensions = [
  extension('2.5.29.19', true, basic(true)),
  extension('2.5.29.15', true, keyUsage(5, 6)),
];
export const codeSigning = oid('1.3.6.1.5.5.7.3.3');
export const leafExtensions = [
  extension('2.5.29.19', true, basic(false)),
  extension('2.5.29.15', true, keyUsage(0)),
  extension('2.5.29.37', false, sequence(codeSigning)),
];
export const common = {
  version: 3,
  serial: hex('2a'),
  innerAlgorithm: ecdsaWith.sha256,
  outerAlgorithm: ecdsaWith.sha256,
  hash: 'sha256',
  notBefore: utcTime('200101000000Z'),
  notAfter: utcTime('491231235959Z'),
  more: Buffer.alloc(0),
};

export const draftOf = (): Draft => ({
  root: {
    ...common,
    issuer: rootName,
    subject: rootName,
    publicKey: spki(keys.root.publicKey),
    extensions: caExtensions,
  },
  issuing: undefined,
  leaf: {
    ...common,
    issuer: rootName,
    subject: nameOf(...usual),
    publicKey: spki(keys.leaf.publicKey),
    extensions: leafExtensions,
  },
  leafIssuerKey: undefined,
  rootIssuerKey: undefined,
  leafKey: keys.leaf.privateKey,
  chain: (chain) => chain,
  anchors: (chain) => chain.slice(-1),
  payload: { targetArtifact: { ...target } },
  protected: {
    alg: 'ES256',
    crit: [notary.scheme],
    cty: notary.payloadType,
    [notary.scheme]: notary.x509Scheme,
    [notary.signingTime]: '2026-03-01T12:00:00Z',
  },
  header: { [notary.signingAgent]: 'amlpromote' },
  subject: subjectText,
  protectedText: (text) => text,
  payloadText: (text) => text,
  envelopeText: (text) => text,
  signature: (signature) => signature,
});

/** What a test bends. */
export type Mutation = readonly [title: string, change: (draft: Draft) => void];

/** Other parts for the leaf. */
export const leafIs =
  (change: Partial<CertificateParts>) =>
  (draft: Draft): void => {
    draft.leaf = { ...draft.leaf, ...change };
  };

/** A CA of somebody else. */
export function unrelated(): Buffer {
  const name = nameOf([['C', 'JP', 0x13]], [['CN', 'others']]);
  return writeCertificate(
    {
      ...common,
      issuer: name,
      subject: name,
      publicKey: spki(keys.other.publicKey),
      extensions: caExtensions,
    },
    keys.other.privateKey,
  );
}

/** One case of as many mutations as are given, in their order. */
export function makeCase(chosen: readonly Mutation[]): NotationCase {
  const draft = draftOf();
  for (const [, change] of chosen) change(draft);
  const root = writeCertificate(draft.root, draft.rootIssuerKey ?? keys.root.privateKey);
  const issuing = draft.issuing && writeCertificate(draft.issuing, keys.root.privateKey);
  const leaf = writeCertificate(
    draft.leaf,
    draft.leafIssuerKey ?? (draft.issuing ? keys.issuing : keys.root).privateKey,
  );
  const made = [leaf, ...(issuing ? [issuing] : []), root];
  const chain = draft.chain(made);
  const anchors = draft.anchors(made);
  const header = Buffer.from(draft.protectedText(JSON.stringify(draft.protected))).toString('base64url');
  const payload = Buffer.from(draft.payloadText(JSON.stringify(draft.payload))).toString('base64url');
  const envelope = draft.envelopeText(
    JSON.stringify({
      payload,
      protected: header,
      header: { x5c: chain.map((der) => der.toString('base64')), ...draft.header },
      signature: draft.signature(signJws(draft, `${header}.${payload}`)).toString('base64url'),
    }),
  );
  return {
    id: chosen.map(([title]) => title).join(' + '),
    envelope: Buffer.from(envelope).toString('base64'),
    descriptor: target,
    ca: anchors.map(pem),
    subject: draft.subject,
  };
}

function signJws({ leafKey, protected: header }: Draft, data: string): Buffer {
  const alg = typeof header.alg === 'string' ? header.alg : '';
  if (leafKey.asymmetricKeyType === 'ed25519') return sign(null, Buffer.from(data), leafKey);
  const hash = `sha${/\d{3}$/.exec(alg)?.[0] ?? '256'}`;
  if (leafKey.asymmetricKeyType === 'rsa')
    return sign(
      hash,
      Buffer.from(data),
      alg.startsWith('RS')
        ? leafKey
        : {
            key: leafKey,
            padding: constants.RSA_PKCS1_PSS_PADDING,
            saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
          },
    );
  return sign(/^sha(?:256|384|512)$/.test(hash) ? hash : 'sha256', Buffer.from(data), {
    key: leafKey,
    dsaEncoding: 'ieee-p1363',
  });
}

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${
    der
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n') ?? ''
  }\n-----END CERTIFICATE-----\n`;
