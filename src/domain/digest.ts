import { AmlpromoteError } from './errors.ts';

declare const brand: unique symbol;

/** `sha256:` and 64 lower-case hex digits (OCI image-spec, descriptor.md#digests). No other algorithm is accepted anywhere. */
export type Digest = string & { readonly [brand]: 'Digest' };

const pattern = /^sha256:[0-9a-f]{64}$/;

export const isDigest = (text: string): text is Digest => pattern.test(text);

/** @throws CONTENT_INVALID for any other algorithm, length or spelling (threat 3: digest confusion). */
export function parseDigest(text: string, where = 'digest'): Digest {
  if (isDigest(text)) return text;
  throw new AmlpromoteError(
    'CONTENT_INVALID',
    `${where}: expected sha256:<64 hex digits>, got ${JSON.stringify(text.slice(0, 80))}`,
  );
}

/** The 64 hex digits without the algorithm. */
export const hexOf = (digest: Digest): string => digest.slice('sha256:'.length);

/** The first 12 hex digits, as used in reserved tags and `version: auto`. For names and display; never for identity. */
export const shortHex = (digest: Digest): string => hexOf(digest).slice(0, 12);
