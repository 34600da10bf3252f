import type { Descriptor } from '../domain/descriptor.ts';
import { identityOf } from '../domain/descriptor.ts';
import type { Digest } from '../domain/digest.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { mediaTypes, predicateTypes } from '../domain/media-types.ts';
import { releaseCounterOf, tags } from '../domain/names.ts';
import type { Release } from '../domain/release.ts';
import { encodeManifest } from '../oci/manifest.ts';
import type { Clock } from '../ports/clock.ts';
import type { ContentReader, Repository } from '../ports/content.ts';
import type { Signer } from '../ports/signer.ts';
import { pushArtifact } from './artifact.ts';
import { attest, leafOf } from './attestation.ts';
import { maxForeignEntries } from './limits.ts';
import { wholeSeconds } from './notation.ts';
import { receiptPredicate } from './predicates/receipt.ts';
import type { ReceiptStatement } from './predicates/receipt.ts';
import { parseReleaseIndex } from './release-index.ts';
import { headsOf, highestRelease, listedReceipts, readReceipts, receiptsOf } from './receipts.ts';
import type { NamedReader, Receipt } from './receipts.ts';
import type { TrustedKey } from './trust.ts';

export interface ReceiptRequest extends Omit<
  ReceiptStatement,
  'verifiedAt' | 'highest' | 'previous' | 'resource'
> {
  readonly image: Descriptor;
  /** Registry host, for the reference of what was verified. */
  readonly host: string;
}

export interface ReceiptPorts {
  readonly signer: Signer;
  /** The policy's receipt keys; the signer must be one of them. */
  readonly keys: readonly TrustedKey[];
  readonly clock: Clock;
}

export interface RecordedReceipt {
  readonly descriptor: Descriptor;
  readonly already: boolean;
}

/**
 * Attaches a signed verdict to the image and lists it under the `receipts` tag. The same verdict on the same release under
 * the same policy is not written twice; one that was attached but never listed (a crash in between) is listed now.
 * @throws KEY_MISSING when the policy does not believe this signer's receipts; TAG_CONFLICT when another index was admitted under
 * the counter meanwhile; INCONCLUSIVE, and what the registry throws
 */
export async function recordReceipt(
  repository: Repository,
  request: ReceiptRequest,
  ports: ReceiptPorts,
): Promise<RecordedReceipt> {
  await requireReceiptSigner(ports);
  const listed = await readReceipts(repository, ports.keys, Infinity);
  const attached = await receiptsOf(repository, request.image.digest, ports.keys);
  const same = [...listed, ...attached].find((receipt) => isSame(receipt, request));
  if (same) {
    await listReceipt(repository, same.descriptor, listed, ports.clock);
    return { descriptor: same.descriptor, already: true };
  }
  requireCounter(repository, request, listed);
  const artifact = await attest(
    {
      subject: request.image,
      name: `${request.host}/${repository.name}`,
      predicateType: predicateTypes.receipt,
      predicate: receiptPredicate(statementOf(repository, request, listed, ports.clock)),
    },
    ports.signer,
    ports.clock.now(),
  );
  await pushArtifact(repository, artifact);
  const descriptor = identityOf(artifact.manifest.descriptor);
  await listReceipt(repository, descriptor, listed, ports.clock);
  await relistOvertaken(repository, ports);
  return { descriptor, already: false };
}

/** Another import may have admitted another index under this counter since that was asked. @throws TAG_CONFLICT */
function requireCounter(
  repository: Repository,
  { release, result }: ReceiptRequest,
  listed: readonly Receipt[],
): void {
  if (result !== 'PASSED') return;
  const same = listed.filter((one) => one.result === 'PASSED' && one.release.release === release.release);
  if (same.length === 0 || same.some((one) => one.release.index === release.index)) return;
  throw new AmlpromoteError(
    'TAG_CONFLICT',
    `${tags.release(release.release)} of ${repository.name} is another index (${same[0]?.release.index ?? ''}), admitted just now`,
    { nextSteps: ['Release again outside: other content gets the next counter.'] },
  );
}

/**
 * Lists the receipt of a release that is tagged, if it is attached to the image but not listed (somebody has replaced the list).
 * Only what a trusted key signed is listed, so this can never say too much.
 * @returns whether anything was listed
 * @throws INCONCLUSIVE, and what the registry throws
 */
export async function relistReceipt(
  repository: Repository,
  release: { readonly release: number; readonly index: { readonly digest: Digest } },
  { keys, clock }: Pick<ReceiptPorts, 'keys' | 'clock'>,
): Promise<boolean> {
  const tagged = await readTagged(repository, release.release);
  if (tagged?.index.digest !== release.index.digest) return false;
  const attached = await receiptsOf(repository, tagged.image.digest, keys);
  const lost = attached.filter((receipt) => admits(receipt, tagged));
  const known = await listedReceipts(repository);
  const missing = lost.filter(({ descriptor }) => !contains(known, descriptor.digest));
  // A full list gives way to what is trusted: all of it, not only what is attached to this image.
  const trusted =
    missing.length > 0 && known.length >= maxForeignEntries
      ? [...(await readReceipts(repository, keys, Infinity)), ...attached]
      : attached;
  for (const { descriptor } of missing) await listReceipt(repository, descriptor, trusted, clock);
  return missing.length > 0;
}

const admits = ({ result, release: { index } }: Receipt, tagged: Release): boolean =>
  result === 'PASSED' && index === tagged.index.digest;

/** Whether what a release tag names was admitted under that counter: by a trusted receipt that is attached, listed or not. */
export async function isAdmitted(
  repository: NamedReader,
  counter: number,
  keys: readonly TrustedKey[],
): Promise<boolean> {
  const tagged = await readTagged(repository, counter);
  if (tagged?.release !== counter || tagged.repository !== repository.name) return false;
  const attached = await receiptsOf(repository, tagged.image.digest, keys);
  return attached.some((receipt) => admits(receipt, tagged));
}

/**
 * Our own list may have replaced the one of an import that ended in between: its tags are there, its receipt is attached. What is
 * tagged beyond the highest is looked for whatever it takes; below, the newest few: an import at the same time is among them.
 */
async function relistOvertaken(repository: Repository, ports: ReceiptPorts): Promise<void> {
  const listed = await readReceipts(repository, ports.keys, Infinity);
  const known = new Set(listed.map(({ release }) => release.release));
  const highest = highestRelease(listed);
  const missing = (await repository.tags())
    .flatMap((tag) => releaseCounterOf(tag) ?? [])
    .filter((counter) => !known.has(counter))
    .sort((a, b) => b - a);
  const beyond = missing.filter((counter) => counter > highest).slice(0, maxForeignEntries);
  const below = missing.filter((counter) => counter < highest).slice(0, maxOvertaken);
  for (const counter of [...beyond, ...below]) {
    const tagged = await readTagged(repository, counter);
    if (tagged) await relistReceipt(repository, tagged, ports);
  }
}

/** Imports that can have ended while one list was written. */
const maxOvertaken = 64;

/** What a release tag says; nothing of it is checked. */
async function readTagged(repository: ContentReader, counter: number): Promise<Release | undefined> {
  try {
    const content = await repository.manifest(tags.release(counter));
    return content && parseReleaseIndex(content);
  } catch (error) {
    if (error instanceof AmlpromoteError && error.code === 'CONTENT_INVALID') return undefined;
    throw error;
  }
}

function statementOf(
  repository: Repository,
  request: ReceiptRequest,
  listed: readonly Receipt[],
  clock: Clock,
): ReceiptStatement {
  const { image, host, ...rest } = request;
  const admitted = request.result === 'PASSED' ? request.release.release : 0;
  return {
    ...rest,
    verifiedAt: wholeSeconds(clock.now()),
    resource: `${host}/${repository.name}@${image.digest}`,
    highest: Math.max(highestRelease(listed), admitted),
    previous: headsOf(listed)
      .map(({ descriptor }) => descriptor.digest)
      .slice(-maxPrevious),
  };
}

const isSame = (receipt: Receipt, request: ReceiptRequest): boolean =>
  receipt.release.index === request.release.index &&
  receipt.image.digest === request.image.digest &&
  receipt.result === request.result &&
  receipt.policyDigest === request.policyDigest;

/**
 * A receipt that nobody believes protects from nothing: the policy must name the key, with a certificate that is valid now.
 * @throws KEY_MISSING
 */
export async function requireReceiptSigner({ signer, keys, clock }: ReceiptPorts): Promise<void> {
  const leaf = await leafOf(signer);
  const named = keys.filter(({ certificate }) => certificate.publicKey.equals(leaf.publicKey));
  const now = clock.now();
  if (named.some(({ certificate }) => now >= certificate.notBefore && now <= certificate.notAfter)) return;
  if (named.length > 0) {
    throw new AmlpromoteError(
      'KEY_MISSING',
      `the certificate of ${leaf.name} that the policy names is not valid now: nobody would believe its receipts`,
      {
        nextSteps: [
          'Make a new receipt key and certificate, and name it under trust.receipts beside the old one (its receipts stay good).',
        ],
      },
    );
  }
  throw new AmlpromoteError(
    'KEY_MISSING',
    `the policy believes no receipts of ${leaf.name}: its trust.receipts does not name this certificate`,
    {
      nextSteps: [
        'Use the receipt key of this zone, or name its certificate under trust.receipts in the policy.',
      ],
    },
  );
}

/** A receipt that names more would not be read. */
const maxPrevious = 1000;

const attempts = 8;
/**
 * Registry tags have no compare-and-swap. So: read, add, write, wait a little, read again; and once more when another writer's
 * list has replaced ours.
 */
async function listReceipt(
  repository: Repository,
  receipt: Descriptor,
  trusted: readonly Receipt[],
  clock: Clock,
): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const listed = await listedReceipts(repository);
    if (contains(listed, receipt.digest)) return;
    const index = encodeManifest({
      mediaType: mediaTypes.ociIndex,
      // What others wrote beside their digests would be for us to carry on.
      manifests: [...roomIn(listed, trusted), receipt].map(identityOf),
    });
    await repository.pushManifest(index, tags.receipts);
    await clock.sleep(50 + Math.floor(Math.random() * 100 * (attempt + 1)));
  }
  if (contains(await listedReceipts(repository), receipt.digest)) return;
  throw new AmlpromoteError(
    'INCONCLUSIVE',
    `${repository.name}:${tags.receipts} is being changed by others all the time; receipt ${receipt.digest} is attached to its image but not listed`,
    { nextSteps: ['Run the same command again: it lists the receipt and does nothing else.'] },
  );
}

/** A full list loses what no trusted key has signed, then the oldest: each newer receipt repeats the highest counter. */
function roomIn(listed: readonly Descriptor[], trusted: readonly Receipt[]): readonly Descriptor[] {
  if (listed.length < maxForeignEntries) return listed;
  const known = new Set(listed.map(({ digest }) => digest));
  return trusted
    .map(({ descriptor }) => descriptor)
    .filter(({ digest }) => known.has(digest))
    .slice(1 - maxForeignEntries);
}

const contains = (listed: readonly Descriptor[], digest: Digest): boolean =>
  listed.some((one) => one.digest === digest);
