import type { Descriptor } from '../domain/descriptor.ts';
import { identityOf } from '../domain/descriptor.ts';
import type { Digest } from '../domain/digest.ts';
import { AmlpromoteError, isRefusal } from '../domain/errors.ts';
import { annotations, mediaTypes, predicateTypes } from '../domain/media-types.ts';
import { mapInOrder } from '../domain/map-in-order.ts';
import { tags } from '../domain/names.ts';
import { parseListing } from '../oci/listing.ts';
import type { Listing } from '../oci/listing.ts';
import type { ContentReader } from '../ports/content.ts';
import { verifyDer } from './algorithm.ts';
import { verifyAttestation } from './attestation.ts';
import { preAuthEncoding } from './dsse.ts';
import { maxForeignEntries } from './limits.ts';
import { parseReceiptPredicate } from './predicates/receipt.ts';
import type { ReceiptStatement } from './predicates/receipt.ts';
import { loadReferrer } from './referrer.ts';
import { parseBundle } from './sigstore-bundle.ts';
import { parseStatement } from './statement.ts';
import { keyOf } from './trust.ts';
import type { TrustedKey } from './trust.ts';

/** A receipt whose signature was checked against a receipt key of the policy. */
export interface Receipt extends ReceiptStatement {
  /** The manifest that carries it. */
  readonly descriptor: Descriptor;
  /** The image that it is about and attached to. */
  readonly image: Descriptor;
  /** The policy's name of the key. */
  readonly signer: string;
}

/** The final repository: a receipt tells which one it is about, and is none in any other. */
export type NamedReader = ContentReader & { readonly name: string };

/** Receipts are small; a long list of inputs makes some kilobytes. */
const maxReceiptBytes = 2 * 1024 * 1024;

/** Each receipt repeats the highest counter so far, so the newest say all that a decision needs. */
const newestReceipts = 64;
const concurrent = 8;

/**
 * The newest trusted receipts of a repository, oldest first, of what its `receipts` tag lists. Anybody who may push can change
 * that list, so all of it is verified first, and its order says nothing: the newest are those with the highest counter seen, then
 * the latest. Entries that are not receipts by a trusted key are passed over (threat 13); an entry that cannot be read is not,
 * because it might be the one that counts.
 * @throws INCONCLUSIVE when the list or an entry cannot be read, a trusted receipt cannot be parsed, or the list is too long;
 * and what the reader throws
 */
export async function readReceipts(
  reader: NamedReader,
  keys: readonly TrustedKey[],
  limit = newestReceipts,
): Promise<readonly Receipt[]> {
  const receipts = await loadReceipts(reader, await listedReceipts(reader), keys, mendList);
  return [...receipts].sort(byAge).slice(-limit);
}

const seenBy = ({ highest, result, release }: Receipt): number =>
  result === 'PASSED' ? Math.max(highest, release.release) : highest;

const byAge = (a: Receipt, b: Receipt): number =>
  seenBy(a) - seenBy(b) ||
  Date.parse(a.verifiedAt) - Date.parse(b.verifiedAt) ||
  (a.descriptor.digest < b.descriptor.digest ? -1 : 1);

/**
 * What the `receipts` tag lists; nothing of it is checked. An entry that names a digest is never dropped, for it might be the
 * receipt that counts: where size or type cannot be used, the registry is asked for them.
 * @throws INCONCLUSIVE when it is no index, or such a digest is not there
 */
export async function listedReceipts(reader: ContentReader): Promise<readonly Descriptor[]> {
  const { entries, bare } = await readList(reader);
  const known = new Set(entries.map(({ digest }) => digest));
  const asked = [...new Set(bare)].filter((digest) => !known.has(digest));
  if (asked.length > maxForeignEntries) throw tooMany(asked.length, mendList);
  const resolved = await mapInOrder(asked, concurrent, async (digest) => {
    const found = await reader.resolve(digest);
    if (!found) throw unreadable(`receipt ${digest} cannot be read`, 'it is not there', mendList);
    return found;
  });
  return [...entries, ...resolved];
}

async function readList(reader: ContentReader): Promise<Listing> {
  try {
    const content = await reader.manifest(tags.receipts);
    return content ? parseListing(content) : { entries: [], bare: [] };
  } catch (error) {
    if (isRefusal(error)) throw unreadable('the list of receipts cannot be read', error, mendList);
    throw error;
  }
}

/** Receipts attached to one image, whether the tag lists them or not. @throws as `readReceipts` */
export async function receiptsOf(
  reader: NamedReader,
  image: Digest,
  keys: readonly TrustedKey[],
): Promise<readonly Receipt[]> {
  const attached = await reader.referrers(image, mediaTypes.sigstoreBundle).catch((error: unknown) => {
    if (isRefusal(error))
      throw unreadable(
        `what is attached to ${image} cannot be listed`,
        error,
        error.nextSteps.length > 0 ? error.nextSteps : mendAttached(image),
      );
    throw error;
  });
  const claimed = attached.filter(
    (one) =>
      (one.annotations?.[annotations.predicateType] ?? predicateTypes.receipt) === predicateTypes.receipt,
  );
  return loadReceipts(reader, claimed, keys, mendAttached(image));
}

async function loadReceipts(
  reader: NamedReader,
  descriptors: readonly Descriptor[],
  keys: readonly TrustedKey[],
  nextSteps: readonly string[],
): Promise<readonly Receipt[]> {
  const each = [...new Map(descriptors.map((one) => [one.digest, one])).values()];
  if (each.length > maxForeignEntries) throw tooMany(each.length, nextSteps);
  const loaded = await mapInOrder(each, concurrent, async (descriptor) =>
    loadReceipt(reader, descriptor, keys, nextSteps),
  );
  return loaded.filter((receipt) => receipt !== undefined);
}

async function loadReceipt(
  reader: NamedReader,
  descriptor: Descriptor,
  keys: readonly TrustedKey[],
  nextSteps: readonly string[],
): Promise<Receipt | undefined> {
  const where = `receipt ${descriptor.digest}`;
  try {
    const { manifest, subject: image, content } = await loadReferrer(reader, descriptor, maxReceiptBytes);
    if (!image) return undefined;
    const wanted = { subject: image, predicateType: predicateTypes.receipt };
    const check = await verifyAttestation({ manifest, bundle: content }, wanted, keys);
    if (check.verdict !== 'allowed') {
      requireStatement(content, keys, where);
      return undefined;
    }
    const statement = ofTrusted(where, () => parseReceiptPredicate(check.predicate, where));
    // A receipt of another repository of this zone, put here by somebody who may push, would raise the counter.
    if (statement.release.repository !== reader.name || !isTimely(statement, check.key)) return undefined;
    return { ...statement, descriptor: identityOf(manifest.descriptor), image, signer: check.key.name };
  } catch (error) {
    if (error instanceof AmlpromoteError && error.code === 'CONTENT_INVALID') return undefined;
    if (isRefusal(error)) throw unreadable(`${where} cannot be read`, error, nextSteps);
    throw error;
  }
}

/**
 * A bundle that is no receipt is junk, unless a receipt key has signed something that does not read as a statement: nobody else
 * can make such a thing, so a later version did.
 */
function requireStatement(bytes: Uint8Array, keys: readonly TrustedKey[], where: string): void {
  const { payloadType, payload, signature } = parseBundle(bytes, where);
  if (payloadType !== mediaTypes.dssePayload) return;
  const signed = preAuthEncoding(payloadType, payload);
  if (!keys.some((key) => verifyDer(keyOf(key), signed, signature))) return;
  ofTrusted(where, () => parseStatement(payload, where));
}

/** What a trusted key signed and this version cannot read might be what counts: never passed over in silence. */
function ofTrusted<T>(where: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new AmlpromoteError(
      'INCONCLUSIVE',
      `${where} is signed by a receipt key of the policy, but this version cannot read it: nobody can say which release was admitted last`,
      {
        nextSteps: [
          'It was probably written by a later version: upgrade amlpromote on this side.',
          'If no version wrote it, find out who else holds the receipt key.',
        ],
        cause,
      },
    );
  }
}

/**
 * A receipt stays good after its certificate has expired, for it is the witness that outlives certificates; but it must have
 * been written while the certificate was valid.
 */
const isTimely = ({ verifiedAt }: ReceiptStatement, { certificate }: TrustedKey): boolean => {
  const time = new Date(verifiedAt);
  return time >= certificate.notBefore && time <= certificate.notAfter;
};

/** @param cause what was thrown, or why */
const unreadable = (
  what: string,
  cause: AmlpromoteError | string,
  nextSteps: readonly string[],
): AmlpromoteError =>
  new AmlpromoteError(
    'INCONCLUSIVE',
    `${what} (${typeof cause === 'string' ? cause : cause.message}), so nobody can say which release was admitted last`,
    { nextSteps, ...(typeof cause === 'string' ? {} : { cause }) },
  );

const tooMany = (count: number, nextSteps: readonly string[]): AmlpromoteError =>
  new AmlpromoteError(
    'INCONCLUSIVE',
    `${count} manifests are listed as receipts, more than the ${maxForeignEntries} that are judged, so nobody can say which release was admitted last`,
    {
      nextSteps: ['Find out who fills the list: amlpromote does not let it grow that long.', ...nextSteps],
    },
  );

const mendAttached = (image: Digest): readonly string[] => [
  `Look at what is attached to ${image}: delete what is no evidence or is not whole, and find out who attached it.`,
];

/** For every list of receipts that somebody has spoilt: receipts are attached to their images, and locked there. */
const relistAdvice = `To mend a list that was spoilt: delete the tag \`${tags.receipts}\`, then import the release that was admitted last once more; it lists its receipt again.`;

const mendList = [
  `Look at the tag \`${tags.receipts}\` of the repository: its entries must be manifests that are there.`,
  relistAdvice,
];

/** The highest counter that was admitted; 0 when nothing was. */
export const highestRelease = (receipts: readonly Receipt[]): number =>
  receipts.reduce((highest, receipt) => Math.max(highest, seenBy(receipt)), 0);

/** Receipts that no other receipt names as previous. */
export const headsOf = (receipts: readonly Receipt[]): readonly Receipt[] => {
  const followed = new Set(receipts.flatMap(({ previous }) => previous));
  return receipts.filter(({ descriptor }) => !followed.has(descriptor.digest));
};
