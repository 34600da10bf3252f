import { readFile } from 'node:fs/promises';
import type { Digest } from '../domain/digest.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { sha256 } from '../domain/sha256.ts';
import type { PolicyRules } from './policy.ts';

/**
 * Digest of the certificates in each file that a policy names, over the DER bytes in order: line endings and comments in a
 * PEM file do not change what it says. For `policyDigest`.
 * @throws MANIFEST_INVALID for a file that cannot be read or has no certificate
 */
export async function certificateDigests(policy: PolicyRules): Promise<(file: string) => Digest> {
  const { trust, approvals } = policy;
  const files = new Set([
    ...trust.signers.map(({ ca }) => ca),
    ...[...trust.receipts, ...approvals.approvers].map(({ certificate }) => certificate),
  ]);
  const digests = new Map(
    await Promise.all([...files].map(async (file) => [file, await digestOf(file)] as const)),
  );
  return (file) => {
    const digest = digests.get(file);
    if (!digest) throw new TypeError(`${file} is not a file of this policy`);
    return digest;
  };
}

async function digestOf(file: string): Promise<Digest> {
  const blocks = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;
  const ders = [...(await read(file)).matchAll(blocks)].map(([, base64 = '']) =>
    Buffer.from(base64, 'base64'),
  );
  if (ders.length === 0) throw invalid(file, 'has no PEM certificate');
  return sha256(Buffer.concat(ders));
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'latin1');
  } catch (cause) {
    throw invalid(file, 'cannot be read', cause);
  }
}

const invalid = (file: string, why: string, cause?: unknown): AmlpromoteError =>
  new AmlpromoteError('MANIFEST_INVALID', `${file}, which the policy names, ${why}`, {
    nextSteps: ['Put the PEM certificate there, or correct the path in the policy.'],
    ...(cause === undefined ? {} : { cause }),
  });
