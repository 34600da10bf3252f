import type { Digest } from './digest.ts';
import { isDigest } from './digest.ts';
import { AmlpromoteError } from './errors.ts';
import { isRegistryHost, isRepositoryName, isTag } from './names.ts';

/** `host/repository[:tag][@digest]`. The host is always written: nothing is guessed, there is no default registry. */
export interface Reference {
  readonly host: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** True when the text can only be meant as an image reference, not as a file. */
export const looksLikeReference = (text: string): boolean => tryParse(text) !== undefined;

/** @throws USAGE */
export function parseReference(text: string): Reference {
  const reference = tryParse(text);
  if (reference) return reference;
  throw new AmlpromoteError(
    'USAGE',
    `${JSON.stringify(text.slice(0, 200))} is not an image reference (host/repository[:tag][@sha256:…])`,
    { nextSteps: ['Write the registry host in full, e.g. contosodev.azurecr.io/ml/churn-train@sha256:…'] },
  );
}

function tryParse(text: string): Reference | undefined {
  const [name, digest, ...rest] = text.split('@');
  if (!name || rest.length > 0 || (digest !== undefined && !isDigest(digest))) return undefined;
  const slash = name.indexOf('/');
  if (slash < 1) return undefined;
  const host = name.slice(0, slash);
  if (!isRegistryHost(host) || !/[.:]|^localhost$/.test(host)) return undefined;
  const path = name.slice(slash + 1);
  const colon = path.lastIndexOf(':');
  const repository = colon < 0 ? path : path.slice(0, colon);
  const tag = colon < 0 ? undefined : path.slice(colon + 1);
  if (!isRepositoryName(repository) || (tag !== undefined && !isTag(tag))) return undefined;
  return {
    host,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

export const formatReference = (reference: Reference): string =>
  `${reference.host}/${reference.repository}${reference.tag ? `:${reference.tag}` : ''}${reference.digest ? `@${reference.digest}` : ''}`;

/** A name as people and engines write it, without the tag that it may have: what stands before the first `:` behind the last `/`. */
export function withoutTag(name: string): string {
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  return colon < 0 ? name : name.slice(0, colon);
}
