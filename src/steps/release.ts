import type { Descriptor, ManifestContent } from '../domain/descriptor.ts';
import type { Digest } from '../domain/digest.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { tags } from '../domain/names.ts';
import type { Release, ReleaseDocument } from '../domain/release.ts';
import { pushArtifact } from '../evidence/artifact.ts';
import type { EvidenceArtifact } from '../evidence/artifact.ts';
import { encodeCarriedManifest } from '../evidence/carried-manifest.ts';
import type { CarriedManifest } from '../evidence/carried-manifest.ts';
import { encodeReleaseIndex } from '../evidence/release-index.ts';
import type { Repository } from '../ports/content.ts';
import type { StepContext } from '../ports/step-context.ts';
import { chooseCounter } from './release/counter.ts';
import { step } from './step.ts';
import type { AskSigned } from './verify/tagged-release.ts';

export interface ReleaseInput {
  readonly image: Descriptor;
  /** What of the image manifest crosses, with the bytes of the smoke inputs in the order of their `layer` numbers. */
  readonly carried: { readonly manifest: CarriedManifest; readonly inputs: readonly Uint8Array[] };
  /** The counter that the image manifest asks for. */
  readonly counter?: number | undefined;
  /** Signatures and attestations of the image, as `sign` attached them. */
  readonly evidence: Release['evidence'];
}

export interface ReleasePorts extends StepContext {
  /** Registry host, for release.json. */
  readonly host: string;
  /** The staging repository: image and evidence are there already. */
  readonly target: Repository;
  /** That nobody releases this version with another image at the same time: asked before and after signing. */
  readonly sole?: {
    readonly before: (counter: number) => Promise<void>;
    readonly after: (counter: number) => Promise<void>;
  };
  /** Signs the index and returns the digests of the manifests that sign it; an existing valid signature is used again. */
  readonly signIndex: (
    index: Descriptor,
  ) => Promise<{ readonly signatures: readonly Digest[]; readonly already: boolean }>;
  /** Whether a signer that this zone's policy trusts has signed an index: only such releases count. */
  readonly isSigned: AskSigned;
  /** Locks a release tag where it is, so that nobody can take its counter; false where locks cannot be had. */
  readonly lockTag: (tag: string) => Promise<boolean>;
}

export interface ReleaseReport {
  readonly document: ReleaseDocument;
  readonly image: Descriptor;
  readonly already: boolean;
}

/** Roles without which nothing may be released. */
const needed = ['signature', 'sbom', 'scan', 'provenance'] as const;

/**
 * Makes the release: the index of image, evidence and carried image manifest, under `release-<n>`, signed. Running again with
 * the same parts gives the same index and does nothing; other parts get the next counter, and no release tag ever moves.
 * @throws NOT_FOUND when evidence is missing, VERSION_CONFLICT, TAG_CONFLICT, INCONCLUSIVE, and what registry and signer throw
 */
export async function release(input: ReleaseInput, ports: ReleasePorts): Promise<ReleaseReport> {
  const { name, version } = input.carried.manifest;
  return await step(
    ports,
    'release',
    `${name} ${version}`,
    async () => await makeRelease(input, ports),
    ({ already, document }) => ({ already, detail: `release ${document.release}, ${document.index.digest}` }),
  );
}

async function makeRelease(input: ReleaseInput, ports: ReleasePorts): Promise<ReleaseReport> {
  const { manifest } = input.carried;
  const { target } = ports;
  const absent = needed.filter((role) => !input.evidence.some((item) => item.role === role));
  if (absent.length > 0) {
    throw new AmlpromoteError(
      'NOT_FOUND',
      `${target.name}@${input.image.digest} has no ${absent.join(', ')} by this key`,
      {
        nextSteps: ['Run amlpromote sign first, with the key that releases.'],
      },
    );
  }
  const carried = encodeCarriedManifest(manifest, input.carried.inputs, input.image);
  const { index, release: counter, published } = await claim(input, carried, ports);
  // What is signed already has been asked.
  const isDone = published && (await ports.isSigned(index.descriptor));
  if (!isDone) await ports.sole?.before(counter);
  const signed = await ports.signIndex(index.descriptor);
  if (!isDone) await ports.sole?.after(counter);
  const document: ReleaseDocument = {
    apiVersion: 'amlpromote/v1',
    kind: 'Release',
    registry: ports.host,
    repository: manifest.repository,
    name: manifest.name,
    version: manifest.version,
    release: counter,
    index: { digest: index.descriptor.digest, size: index.descriptor.size },
    signatures: signed.signatures,
  };
  return { document, image: input.image, already: published && signed.already };
}

/** Without a lock, another writer's push is waited for: two looks, so that of two at once at most one goes on. */
async function isClaimed(
  isOurs: () => Promise<boolean>,
  lock: () => Promise<boolean>,
  clock: StepContext['clock'],
): Promise<boolean> {
  if (await lock()) return await isOurs();
  for (let look = 0; look < 2; look += 1) {
    await clock.sleep(100 + Math.floor(Math.random() * 200));
    if (!(await isOurs())) return false;
  }
  return true;
}

const attempts = 16;

/**
 * Puts the index under the tag of its counter: of the next one, when somebody else was faster. Registry tags have no
 * compare-and-swap, so: push, lock the tag where it is, read back. Whatever it names then, it names for ever.
 */
async function claim(
  input: ReleaseInput,
  carried: EvidenceArtifact,
  { target, isSigned, lockTag, clock, progress }: ReleasePorts,
): Promise<{ readonly index: ManifestContent; readonly release: number; readonly published: boolean }> {
  const { name, version, repository } = input.carried.manifest;
  const effect = (what: string, subject: string): void =>
    progress({ type: 'effect', step: 'release', effect: what, subject });
  const evidence = [
    ...input.evidence,
    { role: 'image-manifest' as const, descriptor: carried.manifest.descriptor },
  ];
  const indexUnder = (release: number): ManifestContent =>
    encodeReleaseIndex({ name, version, release, repository, image: input.image, evidence });
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const release = await chooseCounter(
      target,
      {
        name,
        version,
        image: input.image.digest,
        wanted: input.counter,
        indexUnder: (counter) => indexUnder(counter).descriptor.digest,
      },
      isSigned,
    );
    const index = indexUnder(release);
    const { digest } = index.descriptor;
    const tag = tags.release(release);
    const isOurs = async (): Promise<boolean> => (await target.resolve(tag))?.digest === digest;
    const there = await target.resolve(tag);
    if (there && there.digest !== digest) continue;
    if (!there) {
      await pushArtifact(target, carried);
      effect('pushed', carried.manifest.descriptor.digest);
      // That took a while. Between this look and the push lies one request, which the looks after it outlast.
      if (await target.resolve(tag)) continue;
      try {
        await target.pushManifest(index, tag);
        effect('tagged', `${target.name}:${tag}`);
      } catch (error) {
        // Locked by somebody who was faster; where that is this very index, it is as good as ours.
        const holder = await target.resolve(tag);
        if (holder === undefined) throw error;
        if (holder.digest !== digest) continue;
      }
    }
    if (there && (await isSigned(index.descriptor))) return { index, release, published: true };
    if (await isClaimed(isOurs, () => lockTag(tag), clock)) return { index, release, published: !!there };
  }
  throw new AmlpromoteError(
    'INCONCLUSIVE',
    `others keep taking the release tags of ${target.name}: no counter could be had`,
    { nextSteps: ['Let the other releases of this repository finish, then run again.'] },
  );
}
