import type { KeyObject } from 'node:crypto';
import type { Digest } from '../domain/digest.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { sha256 } from '../domain/sha256.ts';
import { readInput } from '../files/read-input.ts';
import type { PolicyRules } from '../manifest/policy.ts';
import { policyDigest } from '../policy/digest.ts';
import { readCertificatesPem } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import { parseName } from './distinguished-name.ts';
import type { NameAttribute } from './distinguished-name.ts';

/** A signer as the policy names it: whoever has a certificate of this CA with this subject. */
export interface TrustedSigner {
  readonly name: string;
  readonly anchors: readonly Certificate[];
  readonly subject: readonly NameAttribute[];
}

/** A key that attestations are believed from, with the certificate that vouches for it. */
export interface TrustedKey {
  readonly name: string;
  readonly certificate: Certificate;
}

/** A policy with the certificates that it names: everything that a verdict rests on. */
export interface Trust {
  readonly policy: PolicyRules;
  readonly policyDigest: Digest;
  readonly signers: readonly TrustedSigner[];
  readonly receipts: readonly TrustedKey[];
}

/**
 * Reads the certificates that a policy names. Each file is read once, so digest and content are of the same bytes.
 * @throws POLICY_MISSING when a file is not there or holds no certificate: without it nothing can be judged
 */
export async function loadTrust(policy: PolicyRules): Promise<Trust> {
  const { signers, receipts } = policy.trust;
  const files = [
    ...signers.map(({ ca }) => ca),
    ...receipts.map(({ certificate }) => certificate),
    ...policy.approvals.approvers.map(({ certificate }) => certificate),
  ];
  const loaded = new Map(await Promise.all([...new Set(files)].map(loadFile)));
  const contentOf = (file: string): LoadedFile => {
    const found = loaded.get(file);
    if (!found) throw new TypeError(`certificate file ${file} was not loaded`);
    return found;
  };
  return {
    policy,
    policyDigest: policyDigest(policy, (file) => contentOf(file).digest),
    signers: signers.map(({ name, ca, subject }) => ({
      name,
      anchors: contentOf(ca).certificates,
      subject: parseName(subject),
    })),
    receipts: receipts.map(({ name, certificate }) => ({
      name,
      certificate: contentOf(certificate).certificates[0],
    })),
  };
}

interface LoadedFile {
  readonly digest: Digest;
  readonly certificates: readonly [Certificate, ...Certificate[]];
}

const maxPemBytes = 1024 * 1024;

async function loadFile(path: string): Promise<readonly [string, LoadedFile]> {
  try {
    const pem = await readInput(path, maxPemBytes);
    return [
      path,
      { digest: sha256(pem), certificates: await readCertificatesPem(pem.toString('utf8'), path) },
    ];
  } catch (cause) {
    throw new AmlpromoteError('POLICY_MISSING', `policy: the certificate ${path} cannot be read`, {
      nextSteps: ['Put the PEM file where the policy says, or correct the path in the policy.'],
      cause,
    });
  }
}

export const keyOf = (trusted: TrustedKey): KeyObject => trusted.certificate.publicKey;
