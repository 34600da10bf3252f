import { randomBytes } from 'node:crypto';
import { sha256 } from '../../domain/sha256.ts';
import { hexOf, shortHex } from '../../domain/digest.ts';
import type { Digest } from '../../domain/digest.ts';
import { canonicalJson } from '../../json/canonical.ts';
import type { JobDefinition } from '../../ports/workspace.ts';

/** Azure ML names: at most 255 characters. */
const longest = 255;

/** A longer text is cut and told apart by a digest of the whole. */
const capped = (text: string, limit: number): string =>
  text.length <= limit ? text : `${text.slice(0, limit - 13)}-${shortHex(sha256(text))}`;

/** The experiment that collects the smoke jobs of one environment name. It is for people: anybody may submit to it. */
export const experimentOf = (environment: string): string =>
  capped(`amlpromote-smoke-${environment}`, longest);

/** 128 bits that nobody else knows: a job of this name, once there, was submitted by whoever made it up. */
export const newNonce = (): string => randomBytes(16).toString('hex');

/** `amlpromote-NAME-<hex12 of image>-<nonce>`. @param nonce 32 hex digits */
export function smokeJobName(environment: string, image: Digest, nonce: string): string {
  const tail = `-${shortHex(image)}-${nonce}`;
  return `${capped(`amlpromote-${environment}`, longest - tail.length)}${tail}`;
}

/** What a job does, whatever its name and the places of its outputs, which follow from the name. */
export type JobWork = Omit<JobDefinition, 'name'>;

/** The same for two jobs that do the same work. */
export function workKey(work: JobWork): string {
  const { experiment, environmentId, compute, command, inputs, timeoutSeconds } = work;
  const outputs = Object.fromEntries(
    Object.entries(work.outputs).map(([name, { type }]) => [name, { type }]),
  );
  const content = { experiment, environmentId, compute, command, inputs, outputs, timeoutSeconds };
  return hexOf(sha256(canonicalJson(content)));
}

/** Where the service itself puts outputs; a folder ends in a slash. */
export const outputPath = (job: string, output: string, type: 'uri_file' | 'uri_folder'): string =>
  `azureml/${job}/${output}${type === 'uri_folder' ? '/' : ''}`;

/** Tags of a smoke job: for people. */
export const jobTags = {
  image: 'amlpromote.image',
  release: 'amlpromote.release',
} as const;
