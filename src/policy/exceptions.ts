import { matchesGlob } from '../domain/names.ts';
import type { CoverageGap, Finding } from '../domain/scan.ts';
import type { GapException, PolicyRules, ScanException } from '../manifest/policy.ts';

export interface ExceptionChoice<T> {
  /** The exception that accepts it, if any. */
  readonly applies?: T;
  /** One that would have, had it not expired. */
  readonly expired?: T;
}

type Exceptions = PolicyRules['scan']['exceptions'];

/**
 * Matches narrowly: the exception's id is the finding's id or one of its aliases (exactly, but for case), *and* its package,
 * where it names one, is the finding's package or the source it was built from.
 */
export const chooseException = (
  finding: Finding,
  exceptions: Exceptions,
  now: Date,
): ExceptionChoice<ScanException> =>
  choose(
    exceptions.filter((one): one is ScanException => 'id' in one && accepts(one, finding)),
    now,
  );

/**
 * The same for a gap: its code, and its subject. An accepted gap of one kind says nothing of another, and what could not be
 * read is accepted by its exact subject only.
 */
export const chooseGapException = (
  gap: CoverageGap,
  exceptions: Exceptions,
  now: Date,
): ExceptionChoice<GapException> =>
  choose(
    exceptions.filter(
      (one): one is GapException =>
        'gap' in one &&
        one.gap === gap.code &&
        (gap.code.startsWith('UNREADABLE_')
          ? one.subject === gap.subject
          : matchesGlob(one.subject, gap.subject)),
    ),
    now,
  );

function choose<T extends { readonly expires: string }>(
  matching: readonly T[],
  now: Date,
): ExceptionChoice<T> {
  const applies = matching.find((exception) => isCurrent(exception, now));
  if (applies) return { applies };
  const expired = matching[0];
  return expired ? { expired } : {};
}

function accepts({ id, package: name }: ScanException, finding: Finding): boolean {
  const wanted = id.toLowerCase();
  if (![finding.id, ...finding.aliases].some((known) => known.toLowerCase() === wanted)) return false;
  if (name === undefined) return true;
  const { package: found } = finding;
  return (
    matchesGlob(name, found.name) || (found.source !== undefined && matchesGlob(name, found.source.name))
  );
}

/** `expires` is the last day on which the exception applies, in UTC. */
const isCurrent = ({ expires }: { readonly expires: string }, now: Date): boolean =>
  now.getTime() < Date.parse(`${expires}T00:00:00Z`) + 86_400_000;
