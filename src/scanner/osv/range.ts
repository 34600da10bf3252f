import type { VersionScheme } from '../versions/scheme.ts';
import type { Advisory, RangeEvent } from './record.ts';

export type Affected =
  | { readonly answer: 'affected'; readonly fixedVersions: readonly string[] }
  | { readonly answer: 'not-affected' }
  /** The advisory names a version that is none. */
  | { readonly answer: 'unknown'; readonly detail: string };

/**
 * Whether an advisory is about a version (OSV schema, "Evaluation"): listed in `versions`, or within a range.
 * @param version as `scheme.normalize` gave it
 */
export function evaluate(advisory: Advisory, version: string, scheme: VersionScheme): Affected {
  let unknown: string | undefined;
  let affected = advisory.versions.some((listed) => listed === version || isEqual(scheme, listed, version));
  const fixes: string[] = [];
  for (const events of advisory.ranges) {
    const range = readRange(events, scheme);
    if (typeof range === 'string') {
      unknown ??= range;
      continue;
    }
    affected ||= isWithin(range, version, scheme);
    fixes.push(...fixAfter(range, version, scheme));
  }
  if (affected) return { answer: 'affected', fixedVersions: sortVersions(fixes, scheme) };
  return unknown === undefined ? { answer: 'not-affected' } : { answer: 'unknown', detail: unknown };
}

/** Ascending, each once; all must be versions. */
export const sortVersions = (versions: readonly string[], scheme: VersionScheme): readonly string[] =>
  [...new Set(versions)].sort((a, b) => scheme.compare(normal(a, scheme), normal(b, scheme)));

type Kind = 'introduced' | 'fixed' | 'last_affected' | 'limit';
interface Event {
  readonly kind: Kind;
  readonly text: string;
  /** Undefined for the start of all versions (`0`) and for no limit (`*`). */
  readonly version: string | undefined;
}

function readRange(events: readonly RangeEvent[], scheme: VersionScheme): readonly Event[] | string {
  const read: Event[] = [];
  for (const event of events) {
    for (const kind of ['introduced', 'fixed', 'last_affected', 'limit'] as const) {
      const text = event[kind];
      if (text === undefined) continue;
      const open = (kind === 'introduced' && text === '0') || (kind === 'limit' && text === '*');
      const version = open ? undefined : scheme.normalize(text);
      if (!open && version === undefined)
        return `${kind} ${JSON.stringify(text.slice(0, 80))} is not a version`;
      read.push({ kind, text, version });
    }
  }
  // Stable: events of one version keep the order in which the record lists them.
  return read.sort((a, b) => compareEvents(a, b, scheme));
}

function compareEvents(a: Event, b: Event, scheme: VersionScheme): number {
  if (a.version === undefined || b.version === undefined)
    return Number(a.version !== undefined) - Number(b.version !== undefined);
  return scheme.compare(a.version, b.version);
}

function isWithin(events: readonly Event[], version: string, scheme: VersionScheme): boolean {
  const limits = events.filter(({ kind }) => kind === 'limit');
  const below = (limit: Event): boolean =>
    limit.version === undefined || scheme.compare(version, limit.version) < 0;
  if (limits.length > 0 && !limits.some(below)) return false;
  let within = false;
  for (const event of events) {
    const order = event.version === undefined ? 1 : scheme.compare(version, event.version);
    if (event.kind === 'introduced' && order >= 0) within = true;
    else if (event.kind === 'fixed' && order >= 0) within = false;
    else if (event.kind === 'last_affected' && order > 0) within = false;
  }
  return within;
}

/** The first fix after the version, as the record writes it. */
const fixAfter = (events: readonly Event[], version: string, scheme: VersionScheme): readonly string[] =>
  events
    .filter(
      (event) =>
        event.kind === 'fixed' && event.version !== undefined && scheme.compare(event.version, version) > 0,
    )
    .slice(0, 1)
    .map(({ text }) => text);

function isEqual(scheme: VersionScheme, listed: string, version: string): boolean {
  const other = scheme.normalize(listed);
  return other !== undefined && scheme.compare(other, version) === 0;
}

const normal = (text: string, scheme: VersionScheme): string => scheme.normalize(text) ?? text;
