import type { SandboxRequest } from '../http.ts';
import type { BlobProperties, BlobRecord } from './store.ts';
import { blobError } from './xml.ts';

/** A single-valued header; Node joins repeated ones. */
export const headerOf = (request: SandboxRequest, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
};

/** `x-ms-blob-content-type` wins over `content-type`; `x-ms-meta-*` is the metadata. */
export function propertiesOf(request: SandboxRequest): BlobProperties {
  const prefix = 'x-ms-meta-';
  const metadata = Object.keys(request.headers)
    .filter((name) => name.startsWith(prefix))
    .map((name) => [requireMetadataName(name.slice(prefix.length)), headerOf(request, name) ?? '']);
  return {
    contentType: headerOf(request, 'x-ms-blob-content-type') ?? headerOf(request, 'content-type'),
    metadata: Object.fromEntries(metadata) as Record<string, string>,
  };
}

/** "Setting and retrieving properties and metadata": names are identifiers; in lists they are XML elements. */
function requireMetadataName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
  throw blobError(
    400,
    'InvalidMetadata',
    'The metadata specified is invalid. It has characters that are not permitted.',
  );
}

/** Headers of Get Blob and Get Blob Properties. `content-length` is the caller's, as it depends on the range. */
export const blobHeaders = (blob: BlobRecord): Record<string, string> => ({
  'content-type': blob.contentType,
  etag: blob.etag,
  'last-modified': httpDate(blob.modifiedAt),
  'accept-ranges': 'bytes',
  'x-ms-blob-type': blob.type,
  'x-ms-creation-time': httpDate(blob.createdAt),
  'x-ms-lease-status': 'unlocked',
  'x-ms-lease-state': 'available',
  'x-ms-server-encrypted': 'true',
  ...Object.fromEntries(Object.entries(blob.metadata).map(([name, value]) => [`x-ms-meta-${name}`, value])),
});

/** RFC 9110 date of an ISO time. */
export const httpDate = (iso: string): string => new Date(iso).toUTCString();

/**
 * `If-Match`, `If-None-Match`, `If-Modified-Since`, `If-Unmodified-Since` against what is there.
 * @throws 409 BlobAlreadyExists | 412 ConditionNotMet | 304 as the service
 */
export function requireConditions(request: SandboxRequest, blob: BlobRecord | undefined): void {
  const ifMatch = headerOf(request, 'if-match');
  const ifNoneMatch = headerOf(request, 'if-none-match');
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (ifNoneMatch === '*' && blob && !isRead)
    throw blobError(409, 'BlobAlreadyExists', 'The specified blob already exists.');
  const unmodifiedSince = Date.parse(headerOf(request, 'if-unmodified-since') ?? '');
  const modifiedSince = Date.parse(headerOf(request, 'if-modified-since') ?? '');
  const modified = blob ? Math.floor(Date.parse(blob.modifiedAt) / 1000) * 1000 : 0;
  const failed =
    (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== blob?.etag) ||
    (ifMatch === '*' && !blob) ||
    (blob !== undefined && modified > unmodifiedSince);
  if (failed) throw conditionNotMet(412);
  const unchanged = blob !== undefined && (ifNoneMatch === blob.etag || modified <= modifiedSince);
  if (unchanged) throw conditionNotMet(isRead ? 304 : 412);
}

const conditionNotMet = (status: number): Error =>
  blobError(
    status,
    'ConditionNotMet',
    'The condition specified using HTTP conditional header(s) is not met.',
  );

export interface ByteRange {
  readonly start: number;
  /** Included. */
  readonly end: number;
}

/** `x-ms-range` or `range`: one range from the front, as the service takes them. @throws 416 InvalidRange */
export function rangeOf(request: SandboxRequest, size: number): ByteRange | undefined {
  const header = headerOf(request, 'x-ms-range') ?? headerOf(request, 'range');
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '');
  if (!match) return undefined;
  const start = Number(match[1]);
  const end = match[2] ? Math.min(Number(match[2]), size - 1) : size - 1;
  if (start >= size || end < start)
    throw blobError(
      416,
      'InvalidRange',
      'The range specified is invalid for the current size of the resource.',
      {
        'content-range': `bytes */${size}`,
      },
    );
  return { start, end };
}
