import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { readOptional, writeFileAtomic } from '../store/files.ts';
import { storage, tenant } from '../topology.ts';

/** The identity in whose name the workspace signs: a user delegation SAS, as run history hands them out. */
const signer = '00000000-0000-4000-8000-00000000b1d9';
/** Storage service version whose string-to-sign is implemented (Create a user delegation SAS, "Version 2020-12-06 and later"). */
const version = '2022-11-02';

/** Access by signed, expiring URLs: to single blobs for reading, to a container for what was agreed. */
export interface SharedAccess {
  /** A URL for one blob; ISO times have whole seconds. */
  sign(container: string, blob: string, expires: Date): string;
  /**
   * The query of a URL for a container and the blobs in it.
   * @param permissions in the order of the protocol: `racwdl`
   */
  signContainer(container: string, expires: Date, permissions: string): string;
  /** undefined: no signature in the query at all. */
  check(query: URLSearchParams, container: string, blob: string, now: Date): SasVerdict | undefined;
}

export type SasVerdict =
  | { readonly ok: true; readonly permissions: string }
  /** The signature or its times do not hold; `detail` as the service puts it, without the key. */
  | { readonly ok: false; readonly detail: string };

/** @param directory keeps the delegation key across restarts */
export function openSharedAccess(directory: string, clock: { now(): Date }): SharedAccess {
  const key = delegationKey(directory);
  const signed = (
    container: string,
    blob: string | undefined,
    expires: Date,
    permissions: string,
  ): URLSearchParams => {
    const start = new Date(clock.now().getTime() - 10 * 60_000);
    const query = new URLSearchParams({
      sv: version,
      sr: blob === undefined ? 'c' : 'b',
      skoid: signer,
      sktid: tenant,
      skt: seconds(start),
      ske: seconds(expires),
      sks: 'b',
      skv: version,
      st: seconds(start),
      se: seconds(expires),
      sp: permissions,
    });
    query.set('sig', signatureOf(key, query, container, blob));
    return query;
  };
  return {
    signContainer: (container, expires, permissions) =>
      signed(container, undefined, expires, permissions).toString(),
    sign(container, blob, expires) {
      const query = signed(container, blob, expires, 'r');
      const path = blob.split('/').map(encodeURIComponent).join('/');
      return `https://${storage.blobHost}/${container}/${path}?${query.toString()}`;
    },
    check(query, container, blob, now) {
      const signature = query.get('sig');
      if (signature === null) return undefined;
      if (query.get('sv') !== version) return { ok: false, detail: 'sv is not supported' };
      const kind = query.get('sr');
      if (kind !== 'b' && kind !== 'c') return { ok: false, detail: 'sr is invalid' };
      const expected = Buffer.from(signatureOf(key, query, container, kind === 'c' ? undefined : blob));
      const given = Buffer.from(signature);
      if (given.length !== expected.length || !timingSafeEqual(given, expected))
        return { ok: false, detail: 'Signature did not match.' };
      for (const [from, to] of [
        ['st', 'se'],
        ['skt', 'ske'],
      ] as const)
        if (!isWithin(now, query.get(from), query.get(to)))
          return { ok: false, detail: 'Signature not valid in the specified time frame' };
      return { ok: true, permissions: query.get('sp') ?? '' };
    },
  };
}

function delegationKey(directory: string): Buffer {
  const path = join(directory, 'delegation.key');
  const known = readOptional(path);
  if (known) return known;
  const key = randomBytes(32);
  writeFileAtomic(path, key, 0o600);
  return key;
}

const seconds = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`;

const isWithin = (now: Date, from: string | null, to: string | null): boolean =>
  now.getTime() < Date.parse(to ?? '') && (from === null || now.getTime() >= Date.parse(from));

/** The order of the fields is the protocol; absent ones are empty lines. */
const signedFields =
  'sp st se RESOURCE skoid sktid skt ske sks skv saoid suoid scid sip spr sv sr snapshot ses rscc rscd rsce rscl rsct';

function signatureOf(
  key: Buffer,
  query: URLSearchParams,
  container: string,
  blob: string | undefined,
): string {
  const resource = `/blob/${storage.name}/${container}${blob === undefined ? '' : `/${blob}`}`;
  const lines = signedFields
    .split(' ')
    .map((field) => (field === 'RESOURCE' ? resource : (query.get(field) ?? '')));
  return createHmac('sha256', key).update(lines.join('\n')).digest('base64');
}
