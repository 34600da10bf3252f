import { storage } from '../topology.ts';
import { httpDate } from './headers.ts';
import type { BlobRecord } from './store.ts';
import { element, escapeXml } from './xml.ts';

export interface ListQuery {
  readonly prefix: string;
  /** '' for a flat list. */
  readonly delimiter: string;
  /** The first name of this page; opaque to clients. */
  readonly marker: string;
  /** 1 to 5000. */
  readonly maxResults: number;
  /** `include=metadata`. */
  readonly withMetadata: boolean;
}

/** @throws RangeError when maxresults is out of range */
export function listQuery(query: URLSearchParams): ListQuery {
  const maxResults = Number(query.get('maxresults') ?? 5000);
  if (!Number.isInteger(maxResults) || maxResults < 1) throw new RangeError('maxresults');
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    marker: Buffer.from(query.get('marker') ?? '', 'base64url').toString('utf8'),
    maxResults: Math.min(maxResults, 5000),
    withMetadata: (query.get('include') ?? '').split(',').includes('metadata'),
  };
}

type Entry = { readonly name: string; readonly blob?: BlobRecord };

/** "List Blobs": names with the prefix, cut at the delimiter, one page from the marker on. `blobs` is in order of name. */
export function listBody(container: string, blobs: readonly BlobRecord[], query: ListQuery): string {
  const entries = new Map<string, Entry>();
  for (const blob of blobs) {
    if (!blob.name.startsWith(query.prefix)) continue;
    const name = cut(blob.name, query);
    if (name >= query.marker) entries.set(name, name === blob.name ? { name, blob } : { name });
  }
  const all = [...entries.values()];
  const page = all.slice(0, query.maxResults);
  const next = all[query.maxResults]?.name;
  const marker = next === undefined ? undefined : Buffer.from(next).toString('base64url');
  return [
    `<EnumerationResults ServiceEndpoint="https://${storage.blobHost}/" ContainerName="${escapeXml(container)}">`,
    element('Prefix', query.prefix),
    element('MaxResults', String(query.maxResults)),
    element('Delimiter', query.delimiter),
    `<Blobs>${page.map((entry) => entryXml(entry, query)).join('')}</Blobs>`,
    element('NextMarker', marker),
    '</EnumerationResults>',
  ].join('');
}

function cut(name: string, { prefix, delimiter }: ListQuery): string {
  const at = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
  return at < 0 ? name : name.slice(0, at + delimiter.length);
}

const entryXml = ({ name, blob }: Entry, { withMetadata }: ListQuery): string =>
  blob ? blobXml(blob, withMetadata) : `<BlobPrefix>${element('Name', name)}</BlobPrefix>`;

const blobXml = (blob: BlobRecord, withMetadata: boolean): string =>
  [
    '<Blob>',
    element('Name', blob.name),
    '<Properties>',
    element('Creation-Time', httpDate(blob.createdAt)),
    element('Last-Modified', httpDate(blob.modifiedAt)),
    element('Etag', blob.etag.replaceAll('"', '')),
    element('Content-Length', String(blob.size)),
    element('Content-Type', blob.contentType),
    element('Content-MD5', blob.md5),
    element('BlobType', blob.type),
    ...(blob.type === 'BlockBlob'
      ? [element('AccessTier', 'Hot'), element('AccessTierInferred', 'true')]
      : []),
    element('LeaseStatus', 'unlocked'),
    element('LeaseState', 'available'),
    element('ServerEncrypted', 'true'),
    '</Properties>',
    ...(withMetadata
      ? [
          `<Metadata>${Object.entries(blob.metadata)
            .map(([name, value]) => element(name, value))
            .join('')}</Metadata>`,
        ]
      : []),
    '<OrMetadata />',
    '</Blob>',
  ].join('');

/** "List Containers": all of them, without paging. */
export const containersBody = (names: readonly string[]): string =>
  [
    `<EnumerationResults ServiceEndpoint="https://${storage.blobHost}/"><Containers>`,
    ...names.map((name) => `<Container>${element('Name', name)}<Properties /></Container>`),
    '</Containers><NextMarker /></EnumerationResults>',
  ].join('');
