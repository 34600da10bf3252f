import type { Descriptor } from '../domain/descriptor.ts';
import type { Digest } from '../domain/digest.ts';
import { AmlpromoteError, isRefusal } from '../domain/errors.ts';
import { annotations, mediaTypes, predicateTypes } from '../domain/media-types.ts';
import { tags } from '../domain/names.ts';
import { parseIndex } from '../oci/manifest.ts';
import type { ContentReader } from '../ports/content.ts';
import { verifyAttestation } from './attestation.ts';
import { parseReceiptPredicate } from './predicates/receipt.ts';
import type { ReceiptStatement } from './predicates/receipt.ts';
import { loadReferrer } from './referrer.ts';
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

/** Receipts are small; a long list of inputs makes some kilobytes. */
const maxReceiptBytes = 2 * 1024 * 1024;

/** Each receipt repeats the highest counter so far, so the newest say all that a decision needs. */
const newest = 64;
const concurrent = 8;

/**
 * The newest receipts of a repository, oldest first: what its `receipts` tag lists. Entries that are not receipts by a
 * trusted key are passed over (threat 13); an entry that cannot be read is not, because it might be the one that counts.
 * @throws INCONCLUSIVE when the list or an entry cannot be read, and what the reader throws
 */
export async function readReceipts(
  reader: ContentReader,
  keys: readonly TrustedKey[],
  limit = newest,
): Promise<readonly Receipt[]> {
  const listed = (await listedReceipts(reader)).slice(-limit);
  return loadReceipts(reader, listed, keys);
}

/** What the `receipts` tag lists; nothing of it is checked. @throws INCONCLUSIVE when it is no index */
export async function listedReceipts(reader: ContentReader): Promise<readonly Descriptor[]> {
  try {
    const content = await reader.manifest(tags.receipts);
    return content ? parseIndex(content).manifests : [];
  } catch (error) {
    if (isRefusal(error)) throw unreadable('the list of receipts cannot be read', error);
    throw error;
  }
}

/** Receipts attached to one image, whether the tag lists them or not. */
export async function receiptsOf(
  reader: ContentReader,
  image: Digest,
  keys: readonly TrustedKey[],
): Promise<readonly Receipt[]> {
  const attached = await reader.referrers(image, mediaTypes.sigstoreBundle);
  const claimed = attached.filter(
    (one) =>
      (one.annotations?.[annotations.predicateType] ?? predicateTypes.receipt) === predicateTypes.receipt,
  );
  return loadReceipts(reader, claimed.slice(-newest), keys);
}

async function loadReceipts(
  reader: ContentReader,
  descriptors: readonly Descriptor[],
  keys: readonly TrustedKey[],
): Promise<readonly Receipt[]> {
  const receipts: Receipt[] = [];
  for (let start = 0; start < descriptors.length; start += concurrent) {
    const batch = descriptors.slice(start, start + concurrent);
    const loaded = await Promise.all(batch.map((descriptor) => loadReceipt(reader, descriptor, keys)));
    receipts.push(...loaded.filter((receipt) => receipt !== undefined));
  }
  return receipts;
}

async function loadReceipt(
  reader: ContentReader,
  descriptor: Descriptor,
  keys: readonly TrustedKey[],
): Promise<Receipt | undefined> {
  try {
    const { manifest, subject: image, content } = await loadReferrer(reader, descriptor, maxReceiptBytes);
    if (!image) return undefined;
    const wanted = { subject: image, predicateType: predicateTypes.receipt };
    const check = await verifyAttestation({ manifest, bundle: content }, wanted, keys);
    if (check.verdict !== 'allowed') return undefined;
    const statement = parseReceiptPredicate(check.predicate, `receipt ${descriptor.digest}`);
    if (!isTimely(statement, check.key)) return undefined;
    const { mediaType, digest, size } = manifest.descriptor;
    return { ...statement, descriptor: { mediaType, digest, size }, image, signer: check.key.name };
  } catch (error) {
    if (error instanceof AmlpromoteError && error.code === 'CONTENT_INVALID') return undefined;
    if (isRefusal(error)) throw unreadable(`receipt ${descriptor.digest} cannot be read`, error);
    throw error;
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

const unreadable = (what: string, cause: unknown): AmlpromoteError =>
  new AmlpromoteError('INCONCLUSIVE', `${what}, so nobody can say which release was admitted last`, {
    nextSteps: [
      `Look at the tag \`${tags.receipts}\` of the repository: its entries must be manifests that are there.`,
    ],
    cause,
  });

/** The highest counter that was admitted; 0 when nothing was. */
export const highestRelease = (receipts: readonly Receipt[]): number =>
  Math.max(
    0,
    ...receipts.map(({ highest, result, release }) =>
      result === 'PASSED' ? Math.max(highest, release.release) : highest,
    ),
  );

/** Receipts that no other receipt names as previous. */
export const headsOf = (receipts: readonly Receipt[]): readonly Receipt[] => {
  const followed = new Set(receipts.flatMap(({ previous }) => previous));
  return receipts.filter(({ descriptor }) => !followed.has(descriptor.digest));
};
