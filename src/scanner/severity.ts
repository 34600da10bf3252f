import { withoutTrailing } from '../domain/trim.ts';
import type { Cvss2, Cvss3P0, Cvss3P1, Cvss4P0 } from 'ae-cvss-calculator';
import cvss from 'ae-cvss-calculator';
import type { Severity } from '../domain/scan.ts';
import { severityScale } from '../domain/scan.ts';

export interface Rating {
  readonly severity: Severity;
  /** CVSS base score. */
  readonly score?: number;
}

/**
 * The base score of a CVSS vector, version 2, 3.0, 3.1 or 4.0; undefined when it is not one, or lacks base metrics.
 * Temporal and environmental metrics are left out: they are about somebody else's environment.
 */
export function baseScore(vector: string): number | undefined {
  try {
    const parsed = parseVector(vector.trim());
    return parsed.isBaseFullyDefined() ? baseOf(parsed.calculateScores()) : undefined;
  } catch {
    return undefined;
  }
}

function parseVector(vector: string): Cvss2 | Cvss3P0 | Cvss3P1 | Cvss4P0 {
  if (vector.startsWith('CVSS:4.0/')) return new cvss.Cvss4P0(vector);
  if (vector.startsWith('CVSS:3.1/')) return new cvss.Cvss3P1(vector);
  if (vector.startsWith('CVSS:3.0/')) return new cvss.Cvss3P0(vector);
  return new cvss.Cvss2(vector);
}

function baseOf(scores: {
  base: number | undefined;
  baseMetricsOnly?: number | undefined;
}): number | undefined {
  const score = scores.baseMetricsOnly ?? scores.base;
  return score !== undefined && Number.isFinite(score) ? score : undefined;
}

/** The worst of some vectors by CVSS's qualitative scale; undefined when none can be scored. */
export function ratingOfVectors(vectors: readonly string[]): Rating | undefined {
  const scores = vectors.map(baseScore).filter((score) => score !== undefined);
  if (scores.length === 0) return undefined;
  const score = Math.max(...scores);
  return { severity: severityOfScore(score), score };
}

/** CVSS 3.1 specification, section 5; CVSS 4.0 has the same scale, CVSS 2 none of its own. */
function severityOfScore(score: number): Severity {
  if (score >= 9) return 'critical';
  if (score >= 7) return 'high';
  if (score >= 4) return 'medium';
  return score > 0 ? 'low' : 'none';
}

/** The ecosystem's own word. Debian's `not yet assigned` and `end-of-life` say nothing. */
export function ratingOfUrgency(urgency: string | undefined): Rating | undefined {
  const word = urgency && withoutTrailing(urgency, '*');
  if (word === 'moderate') return { severity: 'medium' };
  if (word === 'unimportant' || word === 'negligible') return { severity: 'low' };
  const severity = severityScale.find((known) => known === word);
  return severity === undefined ? undefined : { severity };
}

/** The worse of two; `unknown` counts least. */
export const worseRating = (a: Rating, b: Rating): Rating => (rank(b) > rank(a) ? b : a);

const rank = ({ severity, score = 0 }: Rating): number =>
  severity === 'unknown' ? -1 : severityScale.indexOf(severity) * 100 + score;
