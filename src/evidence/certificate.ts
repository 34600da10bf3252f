import { X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { AmlpromoteError } from '../domain/errors.ts';
import { sha256 } from '../domain/sha256.ts';
import { readStrictly } from './certificate-der.ts';
import { formatName } from './distinguished-name.ts';
import type { NameAttribute } from './distinguished-name.ts';
import { loadX509 } from './x509.ts';

/** A certificate as the rules need it; nothing here says that it is valid. */
export interface Certificate {
  readonly der: Uint8Array;
  /** SHA-256 of the DER, 64 hex digits: the Notary Project's thumbprint. */
  readonly thumbprint: string;
  readonly subject: readonly NameAttribute[];
  /** The subject for display: not escaped for terminals. */
  readonly name: string;
  /** The subject as it stands in the certificate. */
  readonly subjectDer: Buffer;
  readonly publicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Hash of the issuer's signature, SHA-2 only: `SHA-256` …; undefined for every other algorithm. */
  readonly signatureHash: string | undefined;
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
  /** Bits of RFC 5280 §4.2.1.3; undefined without the extension. */
  readonly keyUsage: { readonly bits: number; readonly critical: boolean } | undefined;
  /** OIDs; undefined without the extension. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** OIDs of all critical extensions. */
  readonly critical: readonly string[];
  /** It names a CRL or an OCSP responder, so its revocation cannot be judged without the network. */
  readonly revocable: boolean;
  /** True when `issuer` is its issuer by name, byte for byte, and its signature is by the issuer's key. */
  isIssuedBy(issuer: Certificate): boolean;
  /** The same of itself. */
  isSelfSigned(): boolean;
}

export const keyUsageBits = {
  digitalSignature: 1,
  nonRepudiation: 2,
  keyCertSign: 32,
  cRLSign: 64,
} as const;

const oids = {
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  crlDistributionPoints: '2.5.29.31',
  extendedKeyUsage: '2.5.29.37',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
} as const;

/** OCSP; an AIA that only says where the issuer's certificate lies (caIssuers) is no matter of revocation. */
const ocsp = Buffer.from([0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01]);

/** One verification meets the same few certificates a dozen times, and reading one takes milliseconds. */
const known = new Map<string, Certificate>();
const mostKnown = 64;

/** @throws CONTENT_INVALID */
export async function readCertificate(der: Uint8Array, where = 'certificate'): Promise<Certificate> {
  const key = sha256(der);
  const found = known.get(key);
  if (found) return found;
  const certificate = await parseCertificate(Buffer.from(der), where);
  for (const oldest of known.keys()) {
    if (known.size < mostKnown) break;
    known.delete(oldest);
  }
  known.set(key, certificate);
  return certificate;
}

async function parseCertificate(der: Buffer, where: string): Promise<Certificate> {
  const x509 = await loadX509();
  try {
    const read = new x509.X509Certificate(der);
    const native = new X509Certificate(der);
    // Both parsers must have read exactly these bytes: no PEM, nothing behind the certificate.
    if (!native.raw.equals(der) || !Buffer.from(read.rawData).equals(der)) throw notCanonical(where);
    const { subject, subjectDer, issuerDer, signatureHash } = readStrictly(der, where);
    const usage = read.getExtension(x509.KeyUsagesExtension);
    const basic = read.getExtension(x509.BasicConstraintsExtension);
    const purposes = read.getExtension(x509.ExtendedKeyUsageExtension);
    const access = read.getExtension(oids.authorityInfoAccess);
    return {
      der,
      thumbprint: native.fingerprint256.replaceAll(':', '').toLowerCase(),
      subject,
      name: formatName(subject),
      publicKey: native.publicKey,
      notBefore: read.notBefore,
      notAfter: read.notAfter,
      subjectDer,
      signatureHash,
      isCa: basic?.ca ?? false,
      pathLength: basic?.pathLength,
      keyUsage: usage ? { bits: usage.usages, critical: usage.critical } : undefined,
      extendedKeyUsage: purposes ? Array.from(purposes.usages, String) : undefined,
      critical: read.extensions.filter((one) => one.critical).map((one) => one.type),
      revocable:
        read.getExtension(oids.crlDistributionPoints) !== null ||
        (access !== null && Buffer.from(access.value).includes(ocsp)),
      isIssuedBy: (issuer) =>
        issuerDer.equals(issuer.subjectDer) &&
        native.checkIssued(new X509Certificate(issuer.der)) &&
        native.verify(issuer.publicKey),
      isSelfSigned: () =>
        signatureHash !== undefined && issuerDer.equals(subjectDer) && native.verify(native.publicKey),
    };
  } catch (cause) {
    if (cause instanceof AmlpromoteError) throw cause;
    throw new AmlpromoteError('CONTENT_INVALID', `${where}: not an X.509 certificate`, { cause });
  }
}

const notCanonical = (where: string): AmlpromoteError =>
  new AmlpromoteError('CONTENT_INVALID', `${where}: not exactly one DER certificate`);

const pemBlock = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;

/**
 * Every CERTIFICATE block of a PEM file, in order.
 * @throws CONTENT_INVALID when there is none or one does not parse
 */
export async function readCertificatesPem(
  pem: string,
  where: string,
): Promise<readonly [Certificate, ...Certificate[]]> {
  const blocks = [...pem.matchAll(pemBlock)].map((match) => Buffer.from(match[1] ?? '', 'base64'));
  const [first, ...rest] = await Promise.all(blocks.map((der) => readCertificate(der, where)));
  if (!first) throw new AmlpromoteError('CONTENT_INVALID', `${where}: holds no PEM certificate`);
  return [first, ...rest];
}

export { oids as certificateOids };
