import { createPrivateKey, webcrypto } from 'node:crypto';
import type { Clock } from '../ports/clock.ts';
import { formatName, parseName } from './distinguished-name.ts';
import { loadX509 } from './x509.ts';

type X509 = Awaited<ReturnType<typeof loadX509>>;

/** PEM texts. Keys are unencrypted PKCS#8: whoever writes them to disk sets mode 0600. */
export interface SigningIdentity {
  readonly ca: CertificateAuthority;
  readonly leaf: {
    readonly key: string;
    /** Leaf, then CA: what a signer needs. */
    readonly chain: string;
  };
}

/** PEM texts; the key is an unencrypted PKCS#8 key of P-256. */
export interface CertificateAuthority {
  readonly certificate: string;
  readonly key: string;
}

export interface SigningIdentityRequest {
  /** RFC 4514, with C, ST and O, which the Notary Project wants in a trusted identity: `CN=release,O=Contoso,ST=Tokyo,C=JP`. */
  readonly subject: string;
  /** Who signs: a CA to be made, or one that is there. */
  readonly ca:
    { readonly subject: string; /** Default 3650. */ readonly days?: number } | CertificateAuthority;
  /** Validity of the leaf. */
  readonly days: number;
  readonly clock: Pick<Clock, 'now'>;
}

/** A certificate starts five minutes ago: the machine that verifies may be slow. */
const backdateMs = 5 * 60 * 1000;
const dayMs = 24 * 60 * 60 * 1000;

const p256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const es256 = { name: 'ECDSA', hash: 'SHA-256' } as const;

/**
 * A signing key with its certificate under a release CA, P-256, as the Notary Project's certificate requirements want
 * them; no AIA and no CRL address, because nobody in a sealed zone could ask there. Never valid for longer than its CA.
 * @throws MANIFEST_INVALID for a subject that is no distinguished name
 */
export async function createSigningIdentity(request: SigningIdentityRequest): Promise<SigningIdentity> {
  const x509 = await loadX509();
  const ca = 'key' in request.ca ? request.ca : await createAuthority(request.ca, request);
  const caCertificate = new x509.X509Certificate(ca.certificate);
  const keys = await generateKeys();
  const { notBefore, notAfter } = validity(request.clock.now(), request.days);
  const leaf = await x509.X509CertificateGenerator.create({
    subject: formatName(parseName(request.subject)),
    issuer: caCertificate.subjectName,
    publicKey: keys.publicKey,
    signingKey: await privateKeyFrom(ca.key),
    signingAlgorithm: es256,
    notBefore,
    notAfter: notAfter > caCertificate.notAfter ? caCertificate.notAfter : notAfter,
    extensions: [
      ...leafExtensions(x509),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(caCertificate.publicKey),
    ],
  });
  return { ca, leaf: { key: await privatePem(keys), chain: pem(leaf) + pem(caCertificate) } };
}

async function createAuthority(
  { subject, days }: { readonly subject: string; readonly days?: number },
  leaf: Pick<SigningIdentityRequest, 'clock' | 'days'>,
): Promise<CertificateAuthority> {
  const x509 = await loadX509();
  const keys = await generateKeys();
  const name = formatName(parseName(subject));
  const certificate = await x509.X509CertificateGenerator.create({
    subject: name,
    issuer: name,
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: es256,
    ...validity(leaf.clock.now(), Math.max(days ?? 3650, leaf.days)),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pem(certificate), key: await privatePem(keys) };
}

export interface LoneIdentityRequest {
  readonly subject: string;
  readonly days: number;
  readonly clock: Pick<Clock, 'now'>;
}

/** A self-signed signing certificate that policies pin: the receipt key. */
export async function createLoneIdentity(
  request: LoneIdentityRequest,
): Promise<{ readonly key: string; readonly certificate: string }> {
  const x509 = await loadX509();
  const keys = await generateKeys();
  const subject = formatName(parseName(request.subject));
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: subject,
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: es256,
    ...validity(request.clock.now(), request.days),
    extensions: [...leafExtensions(x509), await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)],
  });
  return { key: await privatePem(keys), certificate: pem(certificate) };
}

const leafExtensions = (x509: X509): readonly InstanceType<X509['Extension']>[] => [
  new x509.BasicConstraintsExtension(false, undefined, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
  new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.3']),
];

function validity(now: Date, days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const start = Math.floor((now.getTime() - backdateMs) / 1000) * 1000;
  return { notBefore: new Date(start), notAfter: new Date(start + days * dayMs + backdateMs) };
}

const generateKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(p256, true, ['sign', 'verify']);

async function privatePem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

const privateKeyFrom = (key: string): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey(
    'pkcs8',
    createPrivateKey(key).export({ type: 'pkcs8', format: 'der' }),
    p256,
    false,
    ['sign'],
  );

const pem = (certificate: { toString(format: 'pem'): string }): string => `${certificate.toString('pem')}\n`;
