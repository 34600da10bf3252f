import { AmlpromoteError, isInconclusive, isRefusal } from '../domain/errors.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { Reason, ReasonCode } from '../domain/verdict.ts';
import { worst } from '../domain/verdict.ts';

/** Three answers about one piece of evidence: believed (with what was found), refused, or could not be checked. */
export type Check<T> =
  | ({ readonly verdict: 'allowed' } & T)
  | { readonly verdict: 'refused' | 'inconclusive'; readonly reasons: readonly Reason[] };

/** At least one of `reasons` is not `allowed`. */
export function failed<T>(reasons: readonly Reason[]): Check<T> {
  const verdict = worst(reasons.map((one) => one.verdict));
  return { verdict: verdict === 'allowed' ? 'refused' : verdict, reasons };
}

export const refused = <T>(code: ReasonCode, subject: string, detail: string): Check<T> =>
  failed([{ code, verdict: 'refused', subject, detail }]);

const codes: Partial<Record<ErrorCode, ReasonCode>> = {
  INTEGRITY_MISMATCH: 'DIGEST_MISMATCH',
  LISTED_CONTENT_MISSING: 'LISTED_MISSING',
};

/**
 * What was thrown while something was read, as a reason: a definite error refuses, "could not reach" is inconclusive.
 * Anything else (a bug, wrong usage, Ctrl-C) is thrown on.
 * @param invalid reason code for content that does not parse
 */
export function reasonOf(error: unknown, subject: string, invalid: ReasonCode): Reason {
  if (isRefusal(error))
    return { code: codes[error.code] ?? invalid, verdict: 'refused', subject, detail: error.message };
  if (isInconclusive(error))
    return { code: 'UNREACHABLE', verdict: 'inconclusive', subject, detail: error.message };
  throw error;
}

/** Runs a check; content that does not parse is a refusal of this piece, never a crash. */
export async function checking<T>(
  subject: string,
  invalid: ReasonCode,
  run: () => Promise<Check<T>>,
): Promise<Check<T>> {
  try {
    return await run();
  } catch (error) {
    return failed([reasonOf(error, subject, invalid)]);
  }
}

/** @throws CONTENT_INVALID always */
export function malformed(where: string, why: string): never {
  throw new AmlpromoteError('CONTENT_INVALID', `${where}: ${why}`);
}
