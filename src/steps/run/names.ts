import { sha256 } from '../../domain/sha256.ts';
import { hexOf, shortHex } from '../../domain/digest.ts';
import type { Digest } from '../../domain/digest.ts';
import { canonicalJson } from '../../json/canonical.ts';
import type { JobRequest } from '../../ports/workspace.ts';

/** Azure ML names: at most 255 characters. A longer one is cut and told apart by a digest of the whole. */
const capped = (text: string): string =>
  text.length <= 255 ? text : `${text.slice(0, 242)}-${shortHex(sha256(text))}`;

/** The experiment that collects the smoke jobs of one environment name; inputs of other smoke jobs are found by it. */
export const experimentOf = (environment: string): string => capped(`amlpromote-smoke-${environment}`);

/** Deterministic, so that two runs at the same moment, or a run that was killed and its successor, mean the same job. */
export const smokeJobName = (environment: string, image: Digest, attempt: number): string => {
  const tail = `-${shortHex(image)}-${attempt}`;
  const head = `amlpromote-${environment}`;
  // The head is what is cut: attempts must stay countable.
  return head.length + tail.length <= 255
    ? `${head}${tail}`
    : `${head.slice(0, 230 - tail.length)}-${shortHex(sha256(head))}${tail}`;
};

/** The attempt that a job's name tells, or undefined for a job that is not one of ours for this image. */
export function attemptOf(name: string, environment: string, image: Digest): number | undefined {
  const match = /-([1-9]\d{0,5})$/.exec(name);
  const attempt = Number(match?.[1]);
  return match && smokeJobName(environment, image, attempt) === name ? attempt : undefined;
}

/** Says whether two jobs are the same work, whatever their names. Goes into a tag of the job. */
export const requestKey = (request: Omit<JobRequest, 'name' | 'tags'>): string =>
  hexOf(sha256(canonicalJson(request))).slice(0, 32);

/** Tags of a smoke job. */
export const jobTags = {
  image: 'amlpromote.image',
  release: 'amlpromote.release',
  request: 'amlpromote.request',
} as const;
