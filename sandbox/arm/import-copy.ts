import { isDigest } from '../../src/domain/digest.ts';
import type { Digest } from '../../src/domain/digest.ts';
import { isRepositoryName, isTag } from '../../src/domain/names.ts';
import type { ParsedManifest } from '../acr/manifest-facts.ts';
import { factsOf, parseManifest } from '../acr/manifest-facts.ts';
import type { Plane } from '../acr/plane.ts';
import type { Repository } from '../store/repository.ts';
import type { ImportInput } from './import.ts';
import { OperationFailure } from './operations.ts';

/** The service's limit for one image. */
const maxManifests = 50;

interface Target {
  readonly repository: string;
  readonly tag?: string;
}

interface SourceManifest {
  readonly digest: Digest;
  readonly bytes: Buffer;
  readonly parsed: ParsedManifest;
}

/**
 * The work of importImage: by digest, an index with its children, *not* the referrers. Locks do not stop it here: that a
 * forced import leaves a locked tag where it is is written nowhere, so the sandbox takes the answer that is worse for its user.
 */
export async function importImage(id: string, input: ImportInput, planes: readonly Plane[]): Promise<void> {
  const target = planes.find(({ names }) => names.zone === input.target);
  if (!target) throw new Error(`no registry of the zone ${input.target}`);
  if (input.fault.failure) throw failure(400, input.fault.failure.code, input.fault.failure.message);
  const { plane, repository, reference } = openSource(input, planes);
  const targets = targetsOf(input, repository.data.name, reference);
  const taken = targets.find(
    ({ repository: name, tag }) => tag !== undefined && target.store.repository(name)?.tag(tag),
  );
  if (taken && !input.force)
    throw failure(
      409,
      'Conflict',
      `Operation ${id} failed. Resource ${target.names.id} Tag ${taken.repository}:${taken.tag ?? ''} already exists in target registry.`,
    );
  const digest = isDigest(reference) ? reference : repository.tag(reference)?.digest;
  const manifests = collect(plane, repository, digest, reference, input);
  const root = manifests.at(-1);
  if (!root) throw failure(400, 'InvalidParameters', `Operation ${id} failed. Nothing to import.`);
  for (const { repository: name, tag } of targets) {
    const into = target.store.ensure(name);
    for (const manifest of manifests) await copyManifest(plane, target, into, manifest);
    if (tag !== undefined) into.putTag(tag, root.digest);
  }
}

function openSource(
  input: ImportInput,
  planes: readonly Plane[],
): { plane: Plane; repository: Repository; reference: string } {
  const denied = (): OperationFailure =>
    failure(
      400,
      'InvalidParameters',
      `Error: requested access to the resource is denied (${input.sourceImage}).`,
    );
  const { resourceId } = input.source;
  // By login server it would be an anonymous pull, which neither registry allows.
  if (resourceId === undefined) throw denied();
  const plane = planes.find(({ names }) => names.id.toLowerCase() === resourceId.toLowerCase());
  if (!plane) throw failure(400, 'InvalidParameters', `The source registry '${resourceId}' was not found.`);
  const match = /^([^:@]+)(?:@(sha256:.+)|:([^:@]+))?$/.exec(input.sourceImage);
  const [, name = '', digest, tag = 'latest'] = match ?? [];
  if (!isRepositoryName(name) || (digest !== undefined && !isDigest(digest)))
    throw failure(400, 'InvalidParameters', `The source image '${input.sourceImage}' is not valid.`);
  const action = 'Microsoft.ContainerRegistry/registries/pull/read';
  if (!plane.context.roles.allows(input.identity, plane.names.id, action, name)) throw denied();
  if (plane.settings().exportPolicy === 'disabled')
    throw failure(400, 'InvalidParameters', `Export is disabled for the registry '${plane.names.name}'.`);
  const repository = plane.store.repository(name);
  if (!repository) throw notFound(input.sourceImage);
  return { plane, repository, reference: digest ?? tag };
}

/** Without any target it is the source's own name; a digest then gets the tag `latest`. */
function targetsOf(input: ImportInput, source: string, reference: string): Target[] {
  const targets: Target[] = [
    ...input.targetTags.map((text) => {
      const [repository = '', tag = 'latest'] = text.split(':');
      return { repository, tag };
    }),
    ...input.untaggedTargetRepositories.map((repository) => ({ repository })),
  ];
  for (const { repository, tag } of targets)
    if (!isRepositoryName(repository) || (tag !== undefined && !isTag(tag)))
      throw failure(400, 'InvalidParameters', `The target '${repository}' is not valid.`);
  if (targets.length > 0) return targets;
  return [{ repository: source, tag: isDigest(reference) ? 'latest' : reference }];
}

/** Children before parents, the root last. */
function collect(
  plane: Plane,
  repository: Repository,
  digest: Digest | undefined,
  reference: string,
  input: ImportInput,
): SourceManifest[] {
  const found = new Map<Digest, SourceManifest>();
  const visit = (each: Digest, isRoot: boolean): void => {
    if (found.has(each) || input.fault.dropDigests.includes(each)) return;
    const record = repository.manifest(each);
    if (!record) throw notFound(`${repository.data.name}@${each}`);
    const bytes = plane.store.blobs.read(each);
    const parsed = parseManifest(bytes, record.mediaType);
    if (!isRoot && input.fault.dropChildren && !parsed.isImage && parsed.children.length === 0) return;
    for (const child of parsed.children) visit(child, false);
    found.set(each, { digest: each, bytes, parsed });
  };
  if (digest === undefined) throw notFound(`${repository.data.name}:${reference}`);
  visit(digest, true);
  if (found.size > maxManifests)
    throw failure(400, 'InvalidParameters', `The image has more than ${maxManifests} manifests.`);
  return [...found.values()];
}

async function copyManifest(
  source: Plane,
  target: Plane,
  into: Repository,
  { digest, bytes, parsed }: SourceManifest,
): Promise<void> {
  for (const blob of parsed.blobs) {
    if (target.store.blobs.sizeOf(blob.digest) === undefined) await copyBlob(source, target, blob.digest);
    into.addBlob(blob.digest);
  }
  if (into.manifest(digest)) return;
  target.store.blobs.put(bytes);
  into.putManifest(digest, factsOf(parsed, bytes.byteLength, target.store.blobs));
}

async function copyBlob(source: Plane, target: Plane, digest: Digest): Promise<void> {
  try {
    await target.store.blobs.copy(source.store.blobs.stream(digest), digest);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw failure(400, 'InvalidParameters', `Error copying blobs. ${why}`);
  }
}

const failure = (status: number, code: string, message: string): OperationFailure =>
  new OperationFailure(status, code, message);

const notFound = (what: string): OperationFailure =>
  failure(400, 'InvalidParameters', `Error: manifest unknown: ${what} was not found in the source registry.`);
