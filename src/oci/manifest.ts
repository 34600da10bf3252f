import type { Descriptor, ImageIndex, ImageManifest, ManifestContent } from '../domain/descriptor.ts';
import { maxManifestBytes } from '../domain/descriptor.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { isImageManifestType, isIndexType } from '../domain/media-types.ts';
import { sha256 } from '../domain/sha256.ts';
import { canonicalBytes } from '../json/canonical.ts';
import { parseStrictJson, refuseCaseFolded } from '../json/strict.ts';
import { annotationsOf, arrayOf, invalid, mediaTypeOf, objectOf, parseDescriptor } from './descriptor.ts';

export { parseDescriptor } from './descriptor.ts';

/** More children than this in one manifest or index are refused (threat 17: endless lists). */
export const maxChildren = 10_000;

const manifestKeys = [
  'schemaVersion',
  'mediaType',
  'artifactType',
  'config',
  'layers',
  'subject',
  'annotations',
] as const;
/** Members of an image index, also of a layout's `index.json`. */
export const indexKeys = [
  'schemaVersion',
  'mediaType',
  'artifactType',
  'manifests',
  'subject',
  'annotations',
] as const;
/** What only the other kind, or schema 1, has: its presence is type confusion (CVE-2021-41190). */
const notInManifest = ['manifests', 'fsLayers', 'history', 'signatures', 'blobs'] as const;
const notInIndex = ['config', 'layers', 'fsLayers', 'history', 'signatures', 'blobs'] as const;

/**
 * Image manifest (image-spec manifest.md, or Docker schema 2.2, which has the same shape). The bytes were checked against
 * the descriptor's digest by whoever read them.
 * @throws CONTENT_INVALID
 */
export function parseManifest(content: ManifestContent): ImageManifest {
  const where = `manifest ${content.descriptor.digest}`;
  if (!isImageManifestType(content.descriptor.mediaType))
    throw wrongType(content, where, 'an image manifest');
  const body = parseBody(content, where, manifestKeys, notInManifest);
  const layers = arrayOf(body.layers, `${where} layers`, maxChildren).map((layer, index) =>
    distributable(parseDescriptor(layer, `${where} layers[${String(index)}]`), where),
  );
  return {
    mediaType: content.descriptor.mediaType,
    ...(body.artifactType === undefined || body.artifactType === ''
      ? {}
      : { artifactType: mediaTypeOf(body.artifactType, `${where} artifactType`) }),
    config: distributable(parseDescriptor(body.config, `${where} config`), where),
    layers,
    ...commonOf(body, where),
  };
}

/** Image index (image-spec image-index.md) or Docker manifest list. @throws CONTENT_INVALID */
export function parseIndex(content: ManifestContent): ImageIndex {
  const where = `index ${content.descriptor.digest}`;
  const body = parseIndexBody(content, where);
  const manifests = arrayOf(body.manifests, `${where} manifests`, maxChildren).map((child, index) => {
    const descriptor = parseDescriptor(child, `${where} manifests[${String(index)}]`);
    if (isSchema1(descriptor.mediaType)) throw invalid(where, 'lists a schema 1 manifest');
    return descriptor;
  });
  return { mediaType: content.descriptor.mediaType, manifests, ...commonOf(body, where) };
}

/**
 * The members of an index, which are not looked into.
 * @param value the JSON of `content`, when it was parsed otherwise than strictly
 * @throws CONTENT_INVALID
 */
export function parseIndexBody(
  content: ManifestContent,
  where: string,
  value?: unknown,
): Record<string, unknown> {
  if (!isIndexType(content.descriptor.mediaType)) throw wrongType(content, where, 'an image index');
  return parseBody(content, where, indexKeys, notInIndex, value);
}

/** What must exist before this manifest may be pushed: config and layers, or the manifests of an index. Not the subject. */
export function childrenOf(content: ManifestContent): readonly Descriptor[] {
  if (isIndexType(content.descriptor.mediaType)) return parseIndex(content).manifests;
  const manifest = parseManifest(content);
  return [manifest.config, ...manifest.layers];
}

/** Canonical bytes: two equal values have equal digests. The descriptor carries the artifactType, where there is one. */
export function encodeManifest(value: ImageManifest | ImageIndex): ManifestContent {
  const bytes = canonicalBytes({ schemaVersion: 2, ...value });
  if (bytes.byteLength > maxManifestBytes) {
    throw invalid('manifest to be written', `larger than ${String(maxManifestBytes)} bytes`);
  }
  const artifactType = 'config' in value ? value.artifactType : undefined;
  return {
    descriptor: {
      mediaType: value.mediaType,
      digest: sha256(bytes),
      size: bytes.byteLength,
      ...(artifactType === undefined ? {} : { artifactType }),
    },
    bytes,
  };
}

/**
 * How a manifest with a `subject` is listed among the subject's referrers (distribution-spec, "Listing Referrers"):
 * artifactType falls back to the config's media type, annotations are copied. Undefined when there is no subject.
 */
export function referrerOf(
  content: ManifestContent,
): { readonly subject: Descriptor; readonly descriptor: Descriptor } | undefined {
  const { mediaType, digest, size } = content.descriptor;
  const manifest = isIndexType(mediaType) ? parseIndex(content) : parseManifest(content);
  if (!manifest.subject) return undefined;
  const artifactType =
    'config' in manifest ? (manifest.artifactType ?? manifest.config.mediaType) : undefined;
  const descriptor = {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(manifest.annotations === undefined ? {} : { annotations: manifest.annotations }),
  };
  return { subject: manifest.subject, descriptor };
}

function parseBody(
  content: ManifestContent,
  where: string,
  known: readonly string[],
  foreign: readonly string[],
  value: unknown = parseStrictJson(content.bytes, { where, maxBytes: maxManifestBytes, numbers: 'integers' }),
): Record<string, unknown> {
  const body = objectOf(value, where);
  refuseCaseFolded(body, [...known, ...foreign], where);
  if (body.schemaVersion !== 2) {
    throw invalid(
      where,
      body.schemaVersion === 1 ? 'schema 1 manifests are not supported' : 'schemaVersion is not 2',
    );
  }
  if (body.mediaType !== undefined && body.mediaType !== content.descriptor.mediaType) {
    throw invalid(
      where,
      `says ${quoted(body.mediaType)} but came as ${quoted(content.descriptor.mediaType)}`,
    );
  }
  for (const key of foreign) {
    if (body[key] !== undefined) throw invalid(where, `has "${key}", which does not belong in its type`);
  }
  return body;
}

function commonOf(
  body: Record<string, unknown>,
  where: string,
): Pick<ImageManifest, 'subject' | 'annotations'> {
  const annotations = annotationsOf(body.annotations, `${where} annotations`);
  return {
    ...(body.subject === undefined || body.subject === null
      ? {}
      : { subject: parseDescriptor(body.subject, `${where} subject`) }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

export const isSchema1 = (mediaType: string): boolean =>
  mediaType.startsWith('application/vnd.docker.distribution.manifest.v1+');

/** Foreign and nondistributable layers live elsewhere by definition, so they cannot be promoted (threat 24). */
function distributable(descriptor: Descriptor, where: string): Descriptor {
  if (/nondistributable|\.foreign\./.test(descriptor.mediaType)) {
    throw new AmlpromoteError(
      'CONTENT_INVALID',
      `${where}: layer ${descriptor.digest} is not distributable (${descriptor.mediaType})`,
      { nextSteps: ['Rebuild the image on a base whose layers are all in the registry.'] },
    );
  }
  return descriptor;
}

function wrongType(content: ManifestContent, where: string, wanted: string): AmlpromoteError {
  const { mediaType } = content.descriptor;
  if (isSchema1(mediaType)) return invalid(where, 'schema 1 manifests are not supported');
  return invalid(where, `is ${quoted(mediaType)}, not ${wanted}`);
}

/** Only for values that came out of JSON. */
const quoted = (value: unknown): string => JSON.stringify(value).slice(0, 120);
