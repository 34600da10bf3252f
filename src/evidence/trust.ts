import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { AmlpromoteError } from '../domain/errors.ts';
import type { Policy } from '../manifest/policy.ts';
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

export interface Trust {
  readonly signers: readonly TrustedSigner[];
  /** How many different signers must have signed. */
  readonly required: number;
  readonly receipts: readonly TrustedKey[];
}

/**
 * The certificates that a policy names, read from their files.
 * @throws POLICY_MISSING when a file is not there or holds no certificate: without it nothing can be judged.
 */
export async function loadTrust(policy: Policy): Promise<Trust> {
  return {
    signers: await Promise.all(
      policy.trust.signers.map(async ({ name, ca, subject }) => ({
        name,
        anchors: await certificatesOf(ca, `CA of signer ${name}`),
        subject: parseName(subject),
      })),
    ),
    required: policy.trust.required,
    receipts: await Promise.all(
      policy.trust.receipts.map(async ({ name, certificate }) => {
        const [first] = await certificatesOf(certificate, `certificate of receipt signer ${name}`);
        return { name, certificate: first };
      }),
    ),
  };
}

async function certificatesOf(path: string, what: string): Promise<readonly [Certificate, ...Certificate[]]> {
  try {
    return await readCertificatesPem(await readFile(path, 'utf8'), path);
  } catch (cause) {
    throw new AmlpromoteError('POLICY_MISSING', `policy: the ${what} (${path}) cannot be read`, {
      nextSteps: ['Put the PEM file where the policy says, or correct the path in the policy.'],
      cause,
    });
  }
}

export const keyOf = (trusted: TrustedKey): KeyObject => trusted.certificate.publicKey;
