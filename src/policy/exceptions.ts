import { matchesGlob } from '../domain/names.ts';
import type { Finding } from '../domain/scan.ts';
import type { ScanException } from '../manifest/policy.ts';

export interface ExceptionChoice {
  /** The exception that accepts the finding, if any. */
  readonly applies?: ScanException;
  /** One that would have, had it not expired. */
  readonly expired?: ScanException;
}

/**
 * Matches narrowly: the exception's id is the finding's id or one of its aliases (exactly, but for case), *and* its package,
 * where it names one, is the finding's package or the source it was built from.
 */
export function chooseException(
  finding: Finding,
  exceptions: readonly ScanException[],
  now: Date,
): ExceptionChoice {
  const matching = exceptions.filter((exception) => matches(exception, finding));
  const applies = matching.find((exception) => isCurrent(exception, now));
  if (applies) return { applies };
  const expired = matching[0];
  return expired ? { expired } : {};
}

function matches({ id, package: name }: ScanException, finding: Finding): boolean {
  const wanted = id.toLowerCase();
  if (![finding.id, ...finding.aliases].some((known) => known.toLowerCase() === wanted)) return false;
  if (name === undefined) return true;
  const { package: found } = finding;
  return (
    matchesGlob(name, found.name) || (found.source !== undefined && matchesGlob(name, found.source.name))
  );
}

/** `expires` is the last day on which the exception applies, in UTC. */
const isCurrent = ({ expires }: ScanException, now: Date): boolean =>
  now.getTime() < Date.parse(`${expires}T00:00:00Z`) + 86_400_000;
