import { sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/**
 * Writes certificates octet by octet, so that tests can make those that no library would: wrong string types, lengths,
 * versions, extensions. The default is a good one.
 */
export interface CertificateParts {
  readonly version: number;
  readonly serial: Buffer;
  /** Whole AlgorithmIdentifier elements. */
  readonly innerAlgorithm: Buffer;
  readonly outerAlgorithm: Buffer;
  readonly hash: string;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly notBefore: Buffer;
  readonly notAfter: Buffer;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Buffer;
  readonly extensions: readonly Buffer[];
  /** Behind the extensions, inside what is signed. */
  readonly more: Buffer;
}

export function tlv(tag: number, ...content: readonly (Buffer | string)[]): Buffer {
  const body = Buffer.concat(content.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  const { length } = body;
  const octets =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...octets]), body]);
}

export const hex = (text: string): Buffer => Buffer.from(text, 'hex');
export const sequence = (...content: readonly Buffer[]): Buffer => tlv(0x30, ...content);

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const octets = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return tlv(0x06, Buffer.from(octets));
}

export const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [hex('0101ff')] : []), tlv(0x04, value));

/** Octets of a BIT STRING for RFC 5280 key usage: bit 0 is digitalSignature. */
export function keyUsage(...bits: readonly number[]): Buffer {
  const octets = Buffer.alloc(Math.max(...bits) > 7 ? 2 : 1);
  for (const bit of bits) octets[bit >> 3]! |= 0x80 >> (bit & 7);
  const last = Math.max(...bits) & 7;
  return tlv(0x03, Buffer.from([7 - last]), octets);
}

const attributeOids: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  SERIALNUMBER: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  STREET: '2.5.4.9',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  POSTALCODE: '2.5.4.17',
  E: '1.2.840.113549.1.9.1',
  DC: '0.9.2342.19200300.100.1.25',
  UID: '0.9.2342.19200300.100.1.1',
  T: '2.5.4.12',
};

export type Attribute = readonly [type: string, value: string | Buffer, stringTag?: number];

const attribute = ([type, value, tag = 0x0c]: Attribute): Buffer =>
  sequence(oid(attributeOids[type] ?? type), tlv(tag, value));

/** Each inner list is one RDN. */
export const nameOf = (...rdns: readonly (readonly Attribute[])[]): Buffer =>
  sequence(...rdns.map((attributes) => tlv(0x31, ...attributes.map(attribute))));

export const utcTime = (text: string): Buffer => tlv(0x17, text);
export const generalizedTime = (text: string): Buffer => tlv(0x18, text);

export const ecdsaWith = { sha256: hex('300a06082a8648ce3d040302'), sha1: hex('300906072a8648ce3d0401') };
export const rsaWith = {
  sha256: hex('300d06092a864886f70d01010b0500'),
  sha1: hex('300d06092a864886f70d0101050500'),
};

export function writeCertificate(parts: CertificateParts, issuerKey: KeyObject): Buffer {
  const tbs = sequence(
    ...(parts.version === 1 ? [] : [tlv(0xa0, tlv(0x02, Buffer.from([parts.version - 1])))]),
    tlv(0x02, parts.serial),
    parts.innerAlgorithm,
    parts.issuer,
    sequence(parts.notBefore, parts.notAfter),
    parts.subject,
    parts.publicKey,
    ...(parts.extensions.length > 0 ? [tlv(0xa3, sequence(...parts.extensions))] : []),
    parts.more,
  );
  const signature = sign(issuerKey.asymmetricKeyType === 'ed25519' ? null : parts.hash, tbs, issuerKey);
  return sequence(tbs, parts.outerAlgorithm, tlv(0x03, Buffer.from([0]), signature));
}
