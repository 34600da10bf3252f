import * as z from 'zod';
import type { Digest } from '../../domain/digest.ts';
import { hexOf, parseDigest } from '../../domain/digest.ts';
import { digestField, mustEqual, parseWith, timeField } from './fields.ts';

/** The sensitive zone's verdict on a release: under which policy, over what, and what it did then. */
export interface ReceiptStatement {
  readonly toolVersion: string;
  /** RFC 3339. */
  readonly verifiedAt: string;
  /** `host/repository@sha256:…` of the image, where it was verified. */
  readonly resource: string;
  readonly policyDigest: Digest;
  /** Index, its signatures, and every piece of evidence that it lists. */
  readonly inputs: readonly Digest[];
  readonly result: 'PASSED' | 'FAILED';
  readonly release: {
    readonly name: string;
    readonly version: string;
    readonly release: number;
    readonly repository: string;
    readonly index: Digest;
  };
  /** The highest counter that this repository had admitted, this release included where it passed. */
  readonly highest: number;
  /** Receipts that were the newest when this one was written: several after a race (receipts form a DAG). */
  readonly previous: readonly Digest[];
  /** What was done: "mounted", "tagged 1.4.0" … */
  readonly actions: readonly string[];
}

const verifierId = 'https://amlpromote.dev/verifier';

/** SLSA verification summary v1. No SLSA level is claimed: the policy decides about more and other things. */
export const receiptPredicate = (receipt: ReceiptStatement): unknown => ({
  verifier: { id: verifierId, version: { amlpromote: receipt.toolVersion } },
  timeVerified: receipt.verifiedAt,
  resourceUri: receipt.resource,
  policy: { uri: 'amlpromote:policy', digest: { sha256: hexOf(receipt.policyDigest) } },
  inputAttestations: receipt.inputs.map((digest) => ({ digest: { sha256: hexOf(digest) } })),
  verificationResult: receipt.result,
  verifiedLevels: receipt.result === 'FAILED' ? ['FAILED'] : [],
  slsaVersion: '1.0',
  amlpromote_release: receipt.release,
  amlpromote_highest: receipt.highest,
  amlpromote_previous: receipt.previous,
  amlpromote_actions: receipt.actions,
});

const text = z.string().max(4096);
const counter = z.int().min(0).max(999_999_999);
const hexDigest = z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/) });

const predicateSchema = z.looseObject({
  verifier: z.looseObject({ version: z.strictObject({ amlpromote: text }) }),
  timeVerified: timeField,
  resourceUri: text,
  policy: z.looseObject({ digest: hexDigest }),
  inputAttestations: z.array(z.strictObject({ digest: hexDigest })).max(10_000),
  verificationResult: z.enum(['PASSED', 'FAILED']),
  amlpromote_release: z.strictObject({
    name: text,
    version: text,
    release: counter,
    repository: text,
    index: digestField,
  }),
  amlpromote_highest: counter,
  amlpromote_previous: z.array(digestField).max(1000),
  amlpromote_actions: z.array(text).max(1000),
});

/** @throws CONTENT_INVALID */
export function parseReceiptPredicate(predicate: unknown, where: string): ReceiptStatement {
  const read = parseWith(predicateSchema, predicate, where);
  const digestOf = ({ sha256 }: { sha256: string }): Digest => parseDigest(`sha256:${sha256}`);
  const receipt: ReceiptStatement = {
    toolVersion: read.verifier.version.amlpromote,
    verifiedAt: read.timeVerified,
    resource: read.resourceUri,
    policyDigest: digestOf(read.policy.digest),
    inputs: read.inputAttestations.map(({ digest }) => digestOf(digest)),
    result: read.verificationResult,
    release: read.amlpromote_release,
    highest: read.amlpromote_highest,
    previous: read.amlpromote_previous,
    actions: read.amlpromote_actions,
  };
  mustEqual(predicate, receiptPredicate(receipt), where);
  return receipt;
}
