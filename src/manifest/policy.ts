import { access } from 'node:fs/promises';
import { AmlpromoteError } from '../domain/errors.ts';
import type { FileCheck } from './files.ts';
import { loadManifest } from './load.ts';
import type { ParsedPolicy } from './schema/policy.ts';

/**
 * A policy, validated, defaults applied (the strict ones), certificate paths made absolute; durations in seconds
 * (`scan.maxAge`, `scan.databaseMaxAge`), sizes in bytes (`image.maxSize`).
 */
export type Policy = ParsedPolicy & {
  /** Absolute path of the policy. */
  readonly file: string;
};

type Exception = Policy['scan']['exceptions'][number];
/** Accepts a finding. */
export type ScanException = Extract<Exception, { readonly id: string }>;
/** Accepts something that the scanner could not look at or match. */
export type GapException = Extract<Exception, { readonly gap: string }>;

/** What the pure decisions need: a policy wherever it came from. */
export type PolicyRules = Omit<Policy, 'file'>;

/**
 * @throws POLICY_MISSING: without a policy nothing is allowed
 * @throws MANIFEST_INVALID with every problem of the file at `file:line:column`
 */
export async function loadPolicy(file: string): Promise<Policy> {
  await refuseMissing(file);
  const { policySchema } = await import('./schema/policy.ts');
  const { value, path } = await loadManifest(file, { kind: 'Policy', schema: policySchema, files: filesOf });
  return { ...value, file: path };
}

async function refuseMissing(file: string): Promise<void> {
  try {
    await access(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') return;
    throw new AmlpromoteError(
      'POLICY_MISSING',
      `there is no policy at ${file}; without one nothing is allowed`,
      {
        nextSteps: ['Write one with `amlpromote init`, or name one with --policy FILE.'],
        cause,
      },
    );
  }
}

const certificate = (at: readonly (string | number)[], file: string): FileCheck => ({
  at,
  file,
  is: 'file',
  maxBytes: 1024 * 1024,
});

const filesOf = ({ trust, approvals }: ParsedPolicy): readonly FileCheck[] => [
  ...trust.signers.map(({ ca }, index) => certificate(['trust', 'signers', index, 'ca'], ca)),
  ...trust.receipts.map((receipt, index) =>
    certificate(['trust', 'receipts', index, 'certificate'], receipt.certificate),
  ),
  ...approvals.approvers.map((approver, index) =>
    certificate(['approvals', 'approvers', index, 'certificate'], approver.certificate),
  ),
];
