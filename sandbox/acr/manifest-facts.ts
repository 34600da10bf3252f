import type { Digest } from '../../src/domain/digest.ts';
import { isDigest } from '../../src/domain/digest.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { parseStrictJson } from '../../src/json/strict.ts';
import type { BlobFiles } from '../store/blobs.ts';
import type { ManifestFacts } from '../store/repository.ts';
import { registryError } from './errors.ts';

export const mediaTypes = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const;

const imageConfigs = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
]);
const indexes = new Set<string>([mediaTypes.ociIndex, mediaTypes.dockerList]);
const known = new Set<string>(Object.values(mediaTypes));

export interface ParsedManifest {
  readonly mediaType: string;
  /** Config and layers, without foreign ones. */
  readonly blobs: readonly { readonly digest: Digest; readonly size: number }[];
  /** Of an index. */
  readonly children: readonly Digest[];
  readonly config: { readonly mediaType: string; readonly digest: Digest } | undefined;
  readonly subject: Digest | undefined;
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  /** An image that could run: not an index, not an artifact. */
  readonly isImage: boolean;
}

interface Json {
  readonly [key: string]: unknown;
}

/** Reads what a registry must know of a manifest. @throws ResponseError 400 MANIFEST_INVALID */
export function parseManifest(bytes: Uint8Array, contentType: string): ParsedManifest {
  const json = parse(bytes);
  const mediaType = contentType.split(';')[0]?.trim() ?? '';
  if (!known.has(mediaType)) throw invalid(`the media type ${mediaType} is not supported`);
  if (json.schemaVersion !== 2) throw invalid('schemaVersion must be 2');
  if (json.mediaType !== undefined && json.mediaType !== mediaType)
    throw invalid('mediaType is not the Content-Type of the request');
  const isIndex = indexes.has(mediaType);
  // CVE-2021-41190: what is both can be read as either.
  if (isIndex ? 'layers' in json || 'config' in json : 'manifests' in json)
    throw invalid('a manifest cannot be an image and an index at once');
  const config = isIndex ? undefined : descriptor(json.config, 'config');
  const layers = isIndex ? [] : list(json.layers, 'layers').filter((layer) => layer.urls === undefined);
  const artifactType = text(json.artifactType);
  const subject = json.subject === undefined ? undefined : descriptor(json.subject, 'subject').digest;
  const isImage = config !== undefined && imageConfigs.has(config.mediaType);
  return {
    mediaType,
    blobs: [...(config ? [config] : []), ...layers].map(({ digest, size }) => ({ digest, size })),
    children: isIndex ? list(json.manifests, 'manifests').map(({ digest }) => digest) : [],
    config: config && { mediaType: config.mediaType, digest: config.digest },
    subject,
    artifactType: artifactType ?? (isImage ? undefined : config?.mediaType),
    annotations: json.annotations as Record<string, string> | undefined,
    isImage: isImage && subject === undefined && artifactType === undefined,
  };
}

/** What the repository remembers. Platform names come from the image's config, when it is here. */
export function factsOf(parsed: ParsedManifest, size: number, blobs: BlobFiles): ManifestFacts {
  const platform = parsed.isImage && parsed.config ? platformOf(blobs, parsed.config.digest) : undefined;
  return {
    mediaType: parsed.mediaType,
    size,
    configMediaType: parsed.config?.mediaType,
    artifactType: parsed.artifactType,
    subject: parsed.subject,
    annotations: parsed.annotations,
    imageSize: parsed.blobs.reduce((sum, blob) => sum + blob.size, 0),
    ...platform,
  };
}

function platformOf(blobs: BlobFiles, config: Digest): { architecture?: string; os?: string } {
  if ((blobs.sizeOf(config) ?? Infinity) > 4 * 1024 * 1024) return {};
  try {
    const { architecture, os } = JSON.parse(blobs.read(config).toString('utf8')) as Json;
    return {
      ...(typeof architecture === 'string' && { architecture }),
      ...(typeof os === 'string' && { os }),
    };
  } catch {
    return {};
  }
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly urls: unknown;
}

function descriptor(value: unknown, where: string): Descriptor {
  if (typeof value !== 'object' || value === null) throw invalid(`${where} is missing`);
  const { mediaType, digest, size, urls } = value as Json;
  if (typeof mediaType !== 'string') throw invalid(`${where}.mediaType is missing`);
  if (typeof digest !== 'string' || !isDigest(digest))
    throw invalid(`${where}.digest is not a sha256 digest`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw invalid(`${where}.size is not a size`);
  return { mediaType, digest, size, urls };
}

function list(value: unknown, where: string): Descriptor[] {
  if (!Array.isArray(value)) throw invalid(`${where} is not a list`);
  return value.map((item, index) => descriptor(item, `${where}[${index}]`));
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

function parse(bytes: Uint8Array): Json {
  try {
    const value = parseStrictJson(bytes, { where: 'manifest' });
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  } catch (error) {
    if (!(error instanceof AmlpromoteError)) throw error;
    throw invalid(error.message);
  }
  throw invalid('a manifest is a JSON object');
}

const invalid = (why: string): Error =>
  registryError(400, 'MANIFEST_INVALID', 'manifest invalid', { reason: why });
