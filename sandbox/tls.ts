import { X509Certificate, webcrypto } from 'node:crypto';
import { join } from 'node:path';
import { readOptional, writeFileAtomic } from './store/files.ts';
import { hosts, region } from './topology.ts';

/** PEM. */
export interface ServerIdentity {
  readonly key: string;
  /** Server certificate, then the CA's. */
  readonly certificates: string;
  readonly ca: string;
}

/** Every name that the sandbox answers to. */
const subjectNames = [
  hosts.login,
  ...hosts.loginAliases,
  hosts.arm,
  '*.azurecr.io',
  `*.${region}.data.azurecr.io`,
  ...['blob', 'file', 'queue', 'table', 'dfs'].map((service) => `*.${service}.core.windows.net`),
  '*.vault.azure.net',
  'ml.azure.com',
  '*.api.azureml.ms',
  `*.workspace.${region}.api.azureml.ms`,
  `*.workspace.${region}.cert.api.azureml.ms`,
  `*.${region}.notebooks.azure.net`,
  `*.${region}.inference.ml.azure.com`,
];

const day = 24 * 3600 * 1000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Made once per sandbox: `DIR/ca.pem`; the keys stay in `state`. Renewed when less than a day is left. */
export async function openServerIdentity(
  directory: string,
  stateDirectory: string,
  now: Date,
): Promise<ServerIdentity> {
  const paths = {
    ca: join(directory, 'ca.pem'),
    key: join(stateDirectory, 'tls-key.pem'),
    certificates: join(stateDirectory, 'tls-certificates.pem'),
  };
  const [ca, key, certificates] = [paths.ca, paths.key, paths.certificates].map((path) =>
    readOptional(path)?.toString('utf8'),
  );
  if (ca !== undefined && key !== undefined && certificates !== undefined && isFresh(certificates, now))
    return { ca, key, certificates };
  const made = await makeServerIdentity(now);
  writeFileAtomic(paths.key, made.key, 0o600);
  writeFileAtomic(paths.certificates, made.certificates);
  writeFileAtomic(paths.ca, made.ca);
  return made;
}

const isFresh = (pem: string, now: Date): boolean =>
  new X509Certificate(pem).validToDate.getTime() - now.getTime() > day;

async function makeServerIdentity(now: Date): Promise<ServerIdentity> {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto);
  const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
    webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const [caKeys, keys] = await Promise.all([newKeys(), newKeys()]);
  const validity = {
    notBefore: new Date(now.getTime() - day),
    notAfter: new Date(now.getTime() + 3650 * day),
  };
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=amlpromote sandbox CA,O=amlpromote',
    keys: caKeys,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const server = await x509.X509CertificateGenerator.create({
    subject: 'CN=amlpromote sandbox',
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        subjectNames.map((value) => ({ type: 'dns' as const, value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = x509.PemConverter.encode(pkcs8, 'PRIVATE KEY');
  const caPem = `${ca.toString('pem')}\n`;
  return { key: `${key}\n`, ca: caPem, certificates: `${server.toString('pem')}\n${caPem}` };
}
