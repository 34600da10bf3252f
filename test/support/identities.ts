import { createPrivateKey, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createLoneIdentity, createSigningIdentity } from '../../src/evidence/certificates.ts';
import type { SigningIdentity } from '../../src/evidence/certificates.ts';
import { readCertificatesPem } from '../../src/evidence/certificate.ts';
import type { Signer } from '../../src/ports/signer.ts';

const folders: string[] = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone when the test process ends: for what all tests of a file share. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), `amlpromote-${name}-`));
  folders.push(folder);
  return folder;
}

/** A signer whose key is in memory. */
export async function memorySigner(keyPem: string, chainPem: string): Promise<Signer> {
  const key = createPrivateKey(keyPem);
  const chain = await readCertificatesPem(chainPem, 'test chain');
  return {
    certificates: chain.map(({ der }) => der),
    sign: async (data) => sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }),
  };
}

export const releaseSubject = 'CN=release,O=Contoso,ST=Tokyo,C=JP';

/** Everything that the two zones have: a release key with its CA, a receipt key, and one of somebody else's. */
export interface TestIdentities {
  readonly folder: string;
  readonly release: SigningIdentity;
  readonly releaseSigner: Signer;
  readonly receiptSigner: Signer;
  /** Another CA that issued a certificate with the very same subject. */
  readonly strangerSigner: Signer;
  /** PEM files. */
  readonly files: {
    readonly releaseCa: string;
    readonly releaseKey: string;
    readonly releaseChain: string;
    readonly receipt: string;
  };
}

export async function makeIdentities(now: Date): Promise<TestIdentities> {
  const clock = { now: () => now };
  const folder = temporaryFolder('identities');
  const ca = { subject: 'CN=release CA,O=Contoso,ST=Tokyo,C=JP' };
  const release = await createSigningIdentity({ subject: releaseSubject, ca, days: 365, clock });
  const stranger = await createSigningIdentity({ subject: releaseSubject, ca, days: 365, clock });
  const receipt = await createLoneIdentity({
    subject: 'CN=receipt,O=Contoso,ST=Tokyo,C=JP',
    days: 365,
    clock,
  });
  const write = (name: string, text: string): string => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  return {
    folder,
    release,
    releaseSigner: await memorySigner(release.leaf.key, release.leaf.chain),
    receiptSigner: await memorySigner(receipt.key, receipt.certificate),
    strangerSigner: await memorySigner(stranger.leaf.key, stranger.leaf.chain),
    files: {
      releaseCa: write('release-ca.pem', release.ca.certificate),
      releaseKey: write('release.key', release.leaf.key),
      releaseChain: write('release.pem', release.leaf.chain),
      receipt: write('receipt.pem', receipt.certificate),
    },
  };
}
