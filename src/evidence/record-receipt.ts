import type { Descriptor } from '../domain/descriptor.ts';
import type { Digest } from '../domain/digest.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { mediaTypes, predicateTypes } from '../domain/media-types.ts';
import { tags } from '../domain/names.ts';
import { encodeManifest } from '../oci/manifest.ts';
import type { Clock } from '../ports/clock.ts';
import type { Repository } from '../ports/content.ts';
import type { Signer } from '../ports/signer.ts';
import { pushArtifact } from './artifact.ts';
import { attest, leafOf } from './attestation.ts';
import { wholeSeconds } from './notation.ts';
import { receiptPredicate } from './predicates/receipt.ts';
import type { ReceiptStatement } from './predicates/receipt.ts';
import { headsOf, highestRelease, listedReceipts, readReceipts, receiptsOf } from './receipts.ts';
import type { Receipt } from './receipts.ts';
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
 * @throws KEY_MISSING when the policy does not believe this signer's receipts, INCONCLUSIVE, and what the registry throws
 */
export async function recordReceipt(
  repository: Repository,
  request: ReceiptRequest,
  ports: ReceiptPorts,
): Promise<RecordedReceipt> {
  await requireReceiptSigner(ports);
  const listed = await readReceipts(repository, ports.keys);
  const attached = await receiptsOf(repository, request.image.digest, ports.keys);
  const same = [...listed, ...attached].find((receipt) => isSame(receipt, request));
  if (same) {
    await listReceipt(repository, same.descriptor, ports.clock);
    return { descriptor: same.descriptor, already: true };
  }
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
  const { mediaType, digest, size } = artifact.manifest.descriptor;
  await listReceipt(repository, { mediaType, digest, size }, ports.clock);
  return { descriptor: { mediaType, digest, size }, already: false };
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
    previous: headsOf(listed).map(({ descriptor }) => descriptor.digest),
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

const attempts = 8;
const maxListed = 5000;

/**
 * Registry tags have no compare-and-swap. So: read, add, write, wait a little, read again; and once more when another writer's
 * list has replaced ours.
 */
async function listReceipt(repository: Repository, receipt: Descriptor, clock: Clock): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const listed = await listedReceipts(repository);
    if (contains(listed, receipt.digest)) return;
    const { mediaType, digest, size } = receipt;
    const index = encodeManifest({
      mediaType: mediaTypes.ociIndex,
      // The oldest go first when the list is full: each newer one repeats the highest counter.
      manifests: [...listed, { mediaType, digest, size }].slice(-maxListed),
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

const contains = (listed: readonly Descriptor[], digest: Digest): boolean =>
  listed.some((one) => one.digest === digest);
