import type { Descriptor, ImageManifest } from '../domain/descriptor.ts';
import { isRefusal } from '../domain/errors.ts';
import { mediaTypes } from '../domain/media-types.ts';
import { parseStrictJson } from '../json/strict.ts';
import type { ContentReader } from '../ports/content.ts';
import { readImageConfig } from './image-config.ts';
import { readBlob } from './verified.ts';

/** BuildKit puts SBOMs here; larger ones are not read. */
const maxStatementBytes = 64 * 1024 * 1024;

/**
 * Whether a manifest that an index lists is one of BuildKit's attestations, so that nothing of it can run. By its content,
 * whatever it is listed as and whatever media types it claims (some runtimes unpack by what the bytes are): its config is
 * of no platform, it has layers, and each of them is an in-toto statement and no archive. Anything else is an image.
 * @throws what reading throws; content that is not as it must be is an answer, not an error
 */
export async function isBuildAttestation(
  content: Pick<ContentReader, 'blob'>,
  { config, layers }: ImageManifest,
): Promise<boolean> {
  if (layers.length === 0 || !layers.every(maybeStatement)) return false;
  if (!(await orFalse(() => isOfNoPlatform(content, config)))) return false;
  for (const layer of layers) {
    const bytes = await readBlob(content, layer, maxStatementBytes);
    if (isTarHeader(bytes) || !(await orFalse(() => isStatement(bytes, layer)))) return false;
  }
  return true;
}

const maybeStatement = ({ mediaType, size }: Descriptor): boolean =>
  mediaType === mediaTypes.dssePayload && size <= maxStatementBytes;

/** `unknown/unknown`, or nothing at all: the empty config of an OCI artifact. */
async function isOfNoPlatform(content: Pick<ContentReader, 'blob'>, config: Descriptor): Promise<boolean> {
  const { os, architecture, body } = await readImageConfig(content, config);
  return (os === 'unknown' && architecture === 'unknown') || Object.keys(body).length === 0;
}

function isStatement(bytes: Uint8Array, { digest }: Descriptor): boolean {
  const statement = parseStrictJson(bytes, {
    where: `attestation ${digest}`,
    maxBytes: maxStatementBytes,
    maxDepth: 512,
  });
  const type: unknown =
    typeof statement === 'object' && statement !== null && '_type' in statement ? statement._type : undefined;
  return typeof type === 'string' && type.startsWith('https://in-toto.io/Statement/');
}

/**
 * JSON has no NUL, but the header of an old (v7) archive needs none: a text could be both. What cannot be forged beside it
 * is the checksum (POSIX ustar: the sum of the header's bytes with the field itself as blanks; some count signed bytes).
 */
function isTarHeader(bytes: Uint8Array): boolean {
  const header = bytes.subarray(0, 512);
  if (header.length < 512) return false;
  const digits = /[0-7]+/.exec(Buffer.from(header.subarray(148, 156)).toString('latin1'))?.[0];
  if (digits === undefined) return false;
  let sum = 8 * 0x20;
  let signed = sum;
  for (const byte of [...header.subarray(0, 148), ...header.subarray(156)]) {
    sum += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const said = Number.parseInt(digits, 8);
  return said === sum || said === signed;
}

/** Content that does not parse as wanted is not of the kind; what cannot be read is an error. */
async function orFalse(ask: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await ask();
  } catch (error) {
    if (isRefusal(error) && error.code === 'CONTENT_INVALID') return false;
    throw error;
  }
}
