import type { DerElement } from './der.ts';
import {
  bitsOfDer,
  booleanOfDer,
  childrenOfDer,
  contentOfDer,
  derTags,
  integerOfDer,
  invalidDer,
  oidOfDer,
  readDer,
} from './der.ts';
import { requireReadableExtension } from './certificate-extensions.ts';
import { readName } from './certificate-name.ts';
import type { NameAttribute } from './distinguished-name.ts';

/** What the strict reading adds to that of a library. */
export interface StrictCertificate {
  readonly subject: readonly NameAttribute[];
  /** DER of the names: an issuer is compared byte for byte, as Go does. */
  readonly subjectDer: Buffer;
  readonly issuerDer: Buffer;
  /** Hash of the issuer's signature, SHA-2 only: `SHA-256` …; undefined for every other algorithm. */
  readonly signatureHash: string | undefined;
}

/**
 * Reads a certificate as strictly as the strictest of its readers, Go's crypto/x509, on which notation stands (RFC 5280 §4.1):
 * OpenSSL and others accept encodings, strings and times that Go refuses.
 * @throws CONTENT_INVALID
 */
export function readStrictly(der: Buffer, where: string): StrictCertificate {
  const [tbs, algorithm, signature, ...rest] = childrenOfDer(readDer(der, where), derTags.sequence, where);
  if (rest.length > 0) invalidDer(where, 'something stands behind its signature');
  bitsOfDer(signature, where);
  const fields = childrenOfDer(tbs, derTags.sequence, where);
  const [version, serial, inner, issuer, validity, subject, key, ...more] = fields;
  const [number] = version?.tag === 0xa0 ? childrenOfDer(version, 0xa0, where) : [];
  if (integerOfDer(number, where) !== 2n) invalidDer(where, 'not an X.509 certificate of version 3');
  if (integerOfDer(serial, where) < 0n) invalidDer(where, 'its serial number is negative');
  if (!inner || !algorithm?.raw.equals(inner.raw))
    return invalidDer(where, 'names two different signature algorithms');
  for (const time of childrenOfDer(validity, derTags.sequence, where)) checkTime(time, where);
  if (!issuer || !subject) return invalidDer(where, 'it has no names');
  readName(issuer.raw, where);
  checkKey(key, where);
  checkExtensions(more, where);
  return {
    subject: readName(subject.raw, where),
    subjectDer: subject.raw,
    issuerDer: issuer.raw,
    signatureHash: hashOf(inner, where),
  };
}

/** RFC 5280 §4.1.2.5: UTC, with seconds, and a day that the calendar has. */
function checkTime({ tag, content }: DerElement, where: string): void {
  const text = content.toString('latin1');
  const pattern = tag === derTags.utcTime ? /^\d{12}Z$/ : /^\d{14}Z$/;
  if ((tag !== derTags.utcTime && tag !== derTags.generalizedTime) || !pattern.test(text))
    invalidDer(where, 'a time is not in the form of RFC 5280');
  const digits = tag === derTags.utcTime ? `${text < '5' ? '20' : '19'}${text}` : text;
  const [year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(digits)?.slice(1) ?? [];
  const iso = `${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minute ?? ''}:${second ?? ''}.000Z`;
  const time = new Date(iso);
  if (Number.isNaN(time.getTime()) || time.toISOString() !== iso)
    invalidDer(where, 'a time is not one that the calendar has');
}

/** RFC 3279 §2.3: RSA with NULL parameters and a usable exponent, named curves with uncompressed points. */
function checkKey(key: DerElement | undefined, where: string): void {
  const [algorithm, bits, ...more] = childrenOfDer(key, derTags.sequence, where);
  if (more.length > 0) invalidDer(where, 'its public key is malformed');
  const [oid, parameters] = childrenOfDer(algorithm, derTags.sequence, where);
  const { bytes } = bitsOfDer(bits, where);
  const type = oidOfDer(oid, where);
  if (type === '1.2.840.113549.1.1.1') {
    contentOfDer(parameters, derTags.null, where);
    const [modulus, exponent] = childrenOfDer(readDer(bytes, where), derTags.sequence, where);
    const e = integerOfDer(exponent, where);
    if (integerOfDer(modulus, where) % 2n !== 1n || e < 3n || e > 0x7fffffffn || e % 2n === 0n)
      invalidDer(where, 'its RSA key is not usable');
  } else if (type === '1.2.840.10045.2.1') {
    oidOfDer(parameters, where);
    if (bytes[0] !== 4) invalidDer(where, 'its elliptic-curve point is not uncompressed');
  }
}

const sha2: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.11': 'SHA-256',
  '1.2.840.113549.1.1.12': 'SHA-384',
  '1.2.840.113549.1.1.13': 'SHA-512',
  '1.2.840.10045.4.3.2': 'SHA-256',
  '1.2.840.10045.4.3.3': 'SHA-384',
  '1.2.840.10045.4.3.4': 'SHA-512',
};

/** RSASSA-PSS parameters (RFC 4055 §3.1) of which hash, mask hash and salt length agree; nothing else is read by all. */
const pssParameters: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ['01', '20', 'SHA-256'],
    ['02', '30', 'SHA-384'],
    ['03', '40', 'SHA-512'],
  ].map(([hash = '', salt = '', name = '']) => [
    `3034a00f300d060960864801650304020${hash.slice(1)}0500a11c301a06092a864886f70d010108300d060960864801650304020${hash.slice(1)}0500a2030201${salt}`,
    name,
  ]),
);

function hashOf(algorithm: DerElement, where: string): string | undefined {
  const [oid, parameters] = childrenOfDer(algorithm, derTags.sequence, where);
  const type = oidOfDer(oid, where);
  if (type === '1.2.840.113549.1.1.10') return pssParameters[parameters?.raw.toString('hex') ?? ''];
  return sha2[type];
}

/** RFC 5280 §4.1.2.9: once each; those that Go's parser reads are read as strictly here. */
function checkExtensions(fields: readonly DerElement[], where: string): void {
  const [outer, ...more] = fields.filter(({ tag }) => tag !== 0x81 && tag !== 0x82);
  if (!outer) return;
  const [list, ...others] = childrenOfDer(outer, 0xa3, where);
  if (more.length > 0 || others.length > 0) invalidDer(where, 'its extensions are malformed');
  const seen = new Set<string>();
  for (const extension of childrenOfDer(list, derTags.sequence, where)) {
    const parts = childrenOfDer(extension, derTags.sequence, where);
    const [oid, flag] = parts;
    const critical = flag?.tag === derTags.boolean && booleanOfDer(flag, where);
    const value = parts[flag?.tag === derTags.boolean ? 2 : 1];
    const type = oidOfDer(oid, where);
    if (seen.has(type)) invalidDer(where, 'an extension occurs twice');
    seen.add(type);
    requireReadableExtension(type, critical, contentOfDer(value, derTags.octetString, where), where);
  }
}
