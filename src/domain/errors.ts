import type { Reason } from './verdict.ts';

/**
 * Every way a command can end other than well. The number is the process exit code (the contract of `docs/commands.md`):
 * 1 a bug · 2 usage or an invalid file · 10 **refused**: a definite "no" · 20 **could not check or reach**: retryable · 130 interrupted.
 */
export const exitCodes = {
  INTERNAL: 1,

  USAGE: 2,
  MANIFEST_INVALID: 2,
  POLICY_MISSING: 2,
  KEY_MISSING: 2,
  UNSUPPORTED: 2,

  BUILD_FAILED: 10,
  POLICY_REFUSED: 10,
  ROUTE_NOT_APPROVED: 10,
  NOT_ADMITTED: 10,
  SIGNATURE_INVALID: 10,
  INTEGRITY_MISMATCH: 10,
  CONTENT_INVALID: 10,
  LISTED_CONTENT_MISSING: 10,
  TAG_CONFLICT: 10,
  VERSION_CONFLICT: 10,
  ROLLBACK: 10,
  JOB_FAILED: 10,

  INCONCLUSIVE: 20,
  ENGINE_UNREACHABLE: 20,
  UNREACHABLE: 20,
  UNAUTHENTICATED: 20,
  FORBIDDEN: 20,
  NETWORK_DENIED: 20,
  NOT_FOUND: 20,
  THROTTLED: 20,
  SERVICE_FAILED: 20,
  OPERATION_FAILED: 20,
  TIMEOUT: 20,
  DISK_FULL: 20,
  STORE_CORRUPT: 20,
  STORE_LOCKED: 20,

  INTERRUPTED: 130,
} as const;

export type ErrorCode = keyof typeof exitCodes;
export type ExitCode = (typeof exitCodes)[ErrorCode];

export interface ErrorDetails {
  /** What the reader can do now, one imperative sentence each. */
  readonly nextSteps?: readonly string[];
  /** Of a refusal, or of what could not be judged: each reason by itself, as in a verdict. */
  readonly reasons?: readonly Reason[];
  readonly cause?: unknown;
}

/**
 * The only error class of the product. `message` says what happened to what, without credentials, tokens or query strings
 * of URLs; `nextSteps` say what to do. Anything else that is thrown is a bug and ends as `INTERNAL`.
 */
export class AmlpromoteError extends Error {
  readonly code: ErrorCode;
  readonly nextSteps: readonly string[];
  readonly reasons: readonly Reason[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'AmlpromoteError';
    this.code = code;
    this.nextSteps = details.nextSteps ?? [];
    this.reasons = details.reasons ?? [];
  }

  get exitCode(): ExitCode {
    return exitCodes[this.code];
  }
}

/** True for a definite "no" (exit 10): trying again will not help. */
export const isRefusal = (error: unknown): error is AmlpromoteError =>
  error instanceof AmlpromoteError && error.exitCode === 10;

/** True for "could not check or reach" (exit 20): trying again may help. */
export const isInconclusive = (error: unknown): error is AmlpromoteError =>
  error instanceof AmlpromoteError && error.exitCode === 20;
