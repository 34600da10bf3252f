import type { Descriptor } from '../domain/descriptor.ts';
import { parseDigest } from '../domain/digest.ts';
import { sha256 } from '../domain/sha256.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import type { Platform } from '../domain/platform.ts';
import { refuseCaseFolded } from '../json/strict.ts';

const descriptorKeys = [
  'mediaType',
  'digest',
  'size',
  'urls',
  'annotations',
  'data',
  'artifactType',
  'platform',
] as const;
const platformKeys = ['architecture', 'os', 'os.version', 'os.features', 'variant', 'features'] as const;

/** RFC 6838 type and subtype; no parameters. */
const mediaTypePattern = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

export const invalid = (where: string, why: string): AmlpromoteError =>
  new AmlpromoteError('CONTENT_INVALID', `${where}: ${why}`);

/**
 * One descriptor (image-spec descriptor.md), from parsed JSON. `urls` are refused (threat 24). Content comes from where its
 * digest was asked for; `data` is not used, but other programs may use it without hashing it, so it must be that content.
 * @throws CONTENT_INVALID
 */
export function parseDescriptor(value: unknown, where: string): Descriptor {
  const body = objectOf(value, where);
  refuseCaseFolded(body, descriptorKeys, where);
  if (body.urls !== undefined && !(Array.isArray(body.urls) && body.urls.length === 0)) {
    throw invalid(where, 'has urls: content that lives elsewhere cannot be promoted');
  }
  const annotations = annotationsOf(body.annotations, `${where} annotations`);
  const digest = parseDigest(typeof body.digest === 'string' ? body.digest : '', `${where} digest`);
  checkData(body.data, digest, where);
  return {
    mediaType: mediaTypeOf(body.mediaType, `${where} mediaType`),
    digest,
    size: sizeOf(body.size, `${where} size`),
    ...(body.artifactType === undefined || body.artifactType === ''
      ? {}
      : { artifactType: mediaTypeOf(body.artifactType, `${where} artifactType`) }),
    ...(body.platform === undefined || body.platform === null
      ? {}
      : { platform: platformOf(body.platform, `${where} platform`) }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

export function objectOf(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw invalid(where, 'expected an object');
}

export function arrayOf(value: unknown, where: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(where, 'expected an array');
  if (value.length > most) throw invalid(where, `more than ${String(most)} entries`);
  return value;
}

export const isMediaType = (value: unknown): value is string =>
  typeof value === 'string' && mediaTypePattern.test(value);

export function mediaTypeOf(value: unknown, where: string): string {
  if (isMediaType(value)) return value;
  throw invalid(where, 'expected a media type');
}

/** Go writes an absent map as `null`; that is the same as none. */
export function annotationsOf(value: unknown, where: string): Readonly<Record<string, string>> | undefined {
  if (value === undefined || value === null) return undefined;
  const entries = Object.entries(objectOf(value, where)).map(([key, text]): [string, string] => {
    if (typeof text === 'string') return [key, text];
    throw invalid(where, `${JSON.stringify(key.slice(0, 80))} is not a string`);
  });
  return Object.fromEntries(entries);
}

/** Threat 19: -1, 1.5 and 2⁵³ mean different things to different languages. */
export const isSize = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);

function sizeOf(value: unknown, where: string): number {
  if (isSize(value)) return value;
  throw invalid(where, 'expected a whole number from 0 to 2^53-1');
}

/** The same bytes have the same size; what has another one is refused when it is read. */
function checkData(data: unknown, digest: string, where: string): void {
  if (data === undefined || data === null || data === '') return;
  const bytes = typeof data === 'string' ? Buffer.from(data, 'base64') : undefined;
  if (bytes?.toString('base64') !== data || sha256(bytes) !== digest)
    throw invalid(where, 'has data that is not the content of its digest');
}

function platformOf(value: unknown, where: string): Platform {
  const body = objectOf(value, where);
  refuseCaseFolded(body, platformKeys, where);
  const { os, architecture, variant } = body;
  if (typeof os !== 'string' || typeof architecture !== 'string') {
    throw invalid(where, 'os and architecture must be strings');
  }
  if (variant === undefined || variant === '') return { os, architecture };
  if (typeof variant !== 'string') throw invalid(where, 'variant must be a string');
  return { os, architecture, variant };
}
