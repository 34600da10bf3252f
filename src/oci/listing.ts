import type { Descriptor, ManifestContent } from '../domain/descriptor.ts';
import { maxManifestBytes } from '../domain/descriptor.ts';
import type { Digest } from '../domain/digest.ts';
import { isDigest } from '../domain/digest.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { isMediaType, isSize, parseDescriptor } from './descriptor.ts';
import { isSchema1, parseIndexBody } from './manifest.ts';

/** What a list says that anybody may write who may push: pointers, of which nothing is believed. */
export interface Listing {
  readonly entries: readonly Descriptor[];
  /** Of entries that have a digest but no size or type that can be used: they may still point at what counts. */
  readonly bare: readonly Digest[];
}

/**
 * An index that is only a list (referrers API, referrers tag schema, `receipts`). Its entries are judged one by one, as leniently
 * as Go reads them: what they point at is read by digest and verified, so a lie in an entry gains nothing, and a junk entry must
 * not take the others with it (threat 13). What has no digest falls out. Never for an index that is signed or decides.
 * The number of entries is bounded by the size only: the reader filters first and caps then (threat 17).
 * @throws CONTENT_INVALID when the whole is too large, no JSON or no index
 */
export function parseListing(content: ManifestContent): Listing {
  const { digest } = content.descriptor;
  const where = `index ${digest}`;
  const { manifests } = parseIndexBody(content, where, parseLenientJson(content.bytes, where));
  // Go writes a list of nothing as null.
  if (manifests === null) return { entries: [], bare: [] };
  if (!Array.isArray(manifests)) throw invalid(`${where} manifests`, 'expected an array');
  const entries: Descriptor[] = [];
  const bare: Digest[] = [];
  for (const value of manifests as readonly unknown[]) {
    const entry = entryOf(value, where);
    if (typeof entry === 'string') bare.push(entry);
    else if (entry) entries.push(entry);
  }
  return { entries, bare };
}

/** Strict JSON refuses a whole text for one odd string in one entry. Bytes that are no UTF-8 are U+FFFD, as in Go. */
function parseLenientJson(bytes: Uint8Array, where: string): unknown {
  if (bytes.byteLength > maxManifestBytes)
    throw invalid(where, `larger than ${String(maxManifestBytes)} bytes`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw invalid(where, 'not valid JSON', cause);
  }
}

function entryOf(value: unknown, where: string): Descriptor | Digest | undefined {
  // First what costs nothing: a list of 4 MiB has room for a million of these.
  if (typeof value !== 'object' || value === null) return undefined;
  const { digest, mediaType, size, artifactType, annotations, ...rest } = value as Record<string, unknown>;
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined;
  if (!isMediaType(mediaType) || isSchema1(mediaType) || !isSize(size)) return digest;
  const plain = {
    mediaType,
    digest,
    size,
    ...(isMediaType(artifactType) ? { artifactType } : {}),
    ...readAnnotations(annotations),
  };
  try {
    return parseDescriptor({ ...rest, ...plain }, where);
  } catch (error) {
    if (error instanceof AmlpromoteError && error.code === 'CONTENT_INVALID') return plain;
    throw error;
  }
}

/** Go reads null as an empty string and half a character as U+FFFD; what it cannot read at all is left out. */
function readAnnotations(value: unknown): Pick<Descriptor, 'annotations'> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const entries = Object.entries(value).flatMap(([key, text]: [string, unknown]): [string, string][] =>
    key !== '__proto__' && (typeof text === 'string' || text === null)
      ? [[key.toWellFormed(), (text ?? '').toWellFormed()]]
      : [],
  );
  return { annotations: Object.fromEntries(entries) };
}

const invalid = (where: string, why: string, cause?: unknown): AmlpromoteError =>
  new AmlpromoteError('CONTENT_INVALID', `${where}: ${why}`, cause === undefined ? {} : { cause });
