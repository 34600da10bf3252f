import type { Severity } from '../domain/scan.ts';
import { severityScale } from '../domain/scan.ts';

/** True when a known severity is at the gate or above. `unknown` is not on the scale. */
export const reachesGate = (
  severity: Exclude<Severity, 'unknown'>,
  failOn: (typeof severityScale)[number],
): boolean => severityScale.indexOf(severity) >= severityScale.indexOf(failOn);
