import type { Descriptor } from '../domain/descriptor.ts';
import type { BuildFacts } from '../domain/build.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { isBuildTag, tags } from '../domain/names.ts';
import type { Platform } from '../domain/platform.ts';
import type { Release } from '../domain/release.ts';
import { formatPlatform } from '../domain/platform.ts';
import type { BuildSource, ExistingImageSource, ImageSpec } from '../manifest/image.ts';
import { resolveVersion } from '../manifest/image.ts';
import { parseManifest } from '../oci/manifest.ts';
import type { Store } from '../oci/store/store.ts';
import type { Registry } from '../ports/content.ts';
import type { Engine } from '../ports/engine.ts';
import type { Seal } from '../ports/seal.ts';
import type { SourceFacts } from '../ports/source.ts';
import type { StepContext } from '../ports/step-context.ts';
import { readBuildFacts } from './build/facts.ts';
import { record, recordFound, sourceOf, tag, tagVersion } from './build/commit.ts';
import type { FindPorts, Found } from './build/find.ts';
import { findByKey } from './build/find.ts';
import { buildInEngine, recipeFacts, rfc3339 } from './build/from-dockerfile.ts';
import type { RecipePorts } from './build/recipe.ts';
import { readRecipe } from './build/recipe.ts';
import { diffIdsOf } from './build/root.ts';
import type { RequireSource, Sources } from './build/source-image.ts';
import { formatSource, takeSourceImage } from './build/source-image.ts';
import { versionConflict } from './release/counter.ts';
import { step } from './step.ts';

export interface BuildInput {
  readonly spec: ImageSpec;
  /** Build even if it was built before, without the engine's cache. */
  readonly rebuild?: boolean;
}

export interface BuildPorts extends StepContext {
  /** Asked for only when something has to be built, or a base image looked up. */
  readonly engine: () => Promise<Engine>;
  readonly store: Store;
  /** Of this machine: what it built. */
  readonly seal: Seal;
  /** Directory of this machine's caches; without it all files of a context are read each time. */
  readonly cache?: string | undefined;
  /** The non-sensitive registry: an image of the same build key there need not be built. */
  readonly published?: Registry | undefined;
  /** See `FindPorts.vouch`. */
  readonly vouch?: FindPorts['vouch'];
  /** A signed release of the version, so that a conflict is told before anything is built. */
  readonly released?: ((repository: string, version: string) => Promise<Release | undefined>) | undefined;
  /** How an image in that registry was made, by the word of a trusted key. */
  readonly publishedFacts?:
    ((repository: string, image: Descriptor) => Promise<BuildFacts | undefined>) | undefined;
  /** For `source.image`. */
  readonly sources?: Sources | undefined;
  /** Throws for an image whose manifest and config say enough, before its layers are fetched. */
  readonly requireSource?: RequireSource | undefined;
  readonly git?: SourceFacts | undefined;
  /** Who or what runs this, for the provenance. */
  readonly identity: string;
  /** Seconds since the epoch; in place of the newest file's time. */
  readonly sourceDateEpoch?: number | undefined;
}

export interface BuildReport {
  readonly image: Descriptor;
  readonly repository: string;
  readonly platform: string;
  /** sha256 hex; undefined for `source.image`. */
  readonly buildKey?: string;
  /** Where the image is. What is in the registry only is not fetched. */
  readonly location: 'store' | 'registry';
  readonly already: boolean;
  readonly layers: number;
  /** Bytes of config and layers as stored, compressed. */
  readonly sizeBytes: number;
}

/** Of an existing index, the manifest of this platform is what is promoted. */
const defaultPlatform: Platform = { os: 'linux', architecture: 'amd64' };

/**
 * Image manifest → image in the store, or the one in the registry that was built of the very same things. Durable in this
 * order: layers, config, manifest, facts, build tag, version tag; the build tag is the commit, after which the same build
 * has the same digest for ever. Killed anywhere, it goes on where it stopped.
 * @throws BUILD_FAILED, MANIFEST_INVALID, ENGINE_UNREACHABLE, NOT_FOUND, DISK_FULL, STORE_LOCKED …
 */
export async function build({ spec, rebuild = false }: BuildInput, ports: BuildPorts): Promise<BuildReport> {
  const { source } = spec;
  return await step(
    ports,
    'build',
    spec.name,
    async () =>
      source.kind === 'build'
        ? await fromDockerfile(spec, source, rebuild, ports)
        : await fromImage(spec, source, ports),
    ({ already, repository, image }) => ({ already, detail: `${repository}@${image.digest}` }),
  );
}

/**
 * What `build` would give without doing anything; undefined when it would have to do something. `pull`: bases that the engine
 * does not have are fetched, for without their digests nobody knows which build is meant.
 * @throws NOT_FOUND, ENGINE_UNREACHABLE and the like for a base that is needed
 */
export async function findBuilt(
  spec: ImageSpec,
  ports: BuildPorts,
  { pull = true }: { readonly pull?: boolean } = {},
): Promise<{ readonly image: Descriptor; readonly buildKey?: string } | undefined> {
  const { source } = spec;
  if (source.kind === 'image') {
    const image = await ports.store
      .repository(spec.repository)
      .resolve(spec.version === 'auto' ? source.digest : spec.version);
    const facts = image && (await readBuildFacts(ports.store, spec.repository, image.digest, ports.seal));
    const isIt = facts?.kind === 'source-image' && facts.bases.some(({ digest }) => digest === source.digest);
    return image && (isIt || image.digest === source.digest) ? { image } : undefined;
  }
  if (!pull && !(await hasBuilds(spec.repository, ports))) return undefined;
  const engine = pull ? ports.engine : async () => withoutPulling(await ports.engine());
  const recipe = await readRecipe(source, recipePorts({ ...ports, engine }));
  const found = await findByKey(spec.repository, recipe.key, ports, noteTo(ports.progress));
  return found && { image: found.image, buildKey: recipe.key };
}

const recipePorts = ({
  engine,
  seal,
  cache,
  progress,
  signal,
}: Pick<BuildPorts, 'seal' | 'cache' | 'progress' | 'signal'> &
  Pick<RecipePorts, 'engine'>): RecipePorts => ({
  engine,
  onLog: logTo(progress),
  cache: cache === undefined ? undefined : { directory: cache, seal },
  signal,
});

const withoutPulling = (engine: Engine): Pick<Engine, 'inspect' | 'version'> => ({
  version: () => engine.version(),
  inspect: (name, options) => engine.inspect(name, { ...options, pull: false }),
});

/** Where nothing at all was built for a repository, this build was not either, whatever its bases are. */
async function hasBuilds(repository: string, { store, published }: BuildPorts): Promise<boolean> {
  for (const registry of [store, ...(published ? [published] : [])])
    if ((await registry.repository(repository).tags()).some(isBuildTag)) return true;
  return false;
}

async function fromDockerfile(
  spec: ImageSpec,
  source: BuildSource,
  rebuild: boolean,
  ports: BuildPorts,
): Promise<BuildReport> {
  const recipe = await readRecipe(source, recipePorts(ports));
  const repository = ports.store.repository(spec.repository);
  const found = rebuild
    ? undefined
    : await findByKey(spec.repository, recipe.key, ports, noteTo(ports.progress));
  // Building again would make another image under the same version; `--rebuild` says that this is meant to be tried.
  if (!rebuild) await requireFreeVersion(spec, found?.image, ports);
  if (found) {
    await recordFound(spec, source, recipe, found, ports);
    return reportOf(spec, found, true, formatPlatform(source.platform), ports, recipe.key);
  }
  const { content, ...made } = await buildInEngine(
    { source, recipe, repository: spec.repository, noCache: rebuild },
    ports,
  );
  const image = content.descriptor;
  await repository.pushManifest(content);
  ports.progress({ type: 'effect', step: 'build', effect: 'manifest', subject: image.digest });
  const facts = { image: image.digest, ...recipeFacts(source, recipe), ...made, identity: ports.identity };
  await record(repository, image, { ...facts, ...(await sourceOf(source, ports)) }, ports);
  await tag(repository, content, tags.build(recipe.key.slice(0, 12)), ports);
  await tag(repository, content, resolveVersion(spec, image.digest), ports);
  return reportOf(spec, { image, location: 'store' }, false, facts.platform, ports, recipe.key);
}

/** @throws VERSION_CONFLICT when the version was released with another image */
async function requireFreeVersion(
  spec: ImageSpec,
  image: Descriptor | undefined,
  ports: BuildPorts,
): Promise<void> {
  if (spec.version === 'auto') return;
  const release = await ports.released?.(spec.repository, spec.version);
  if (release && release.image.digest !== image?.digest)
    throw versionConflict(spec.name, spec.version, release);
}

async function fromImage(
  spec: ImageSpec,
  source: ExistingImageSource,
  ports: BuildPorts,
): Promise<BuildReport> {
  const repository = ports.store.repository(spec.repository);
  const startedAt = rfc3339(ports.clock.now().getTime() / 1000);
  const { image, already } = await takeSourceImage(source, defaultPlatform, repository, ports);
  await requireFreeVersion(spec, image, ports);
  const local = already
    ? await readBuildFacts(ports.store, spec.repository, image.digest, ports.seal)
    : undefined;
  const known = local ?? (await ports.publishedFacts?.(spec.repository, image));
  const isKnown =
    known?.kind === 'source-image' && known.bases.some(({ digest }) => digest === source.digest);
  if (isKnown && !local) {
    // What is published is what `sign` finds again.
    await record(repository, image, known, ports);
  } else if (known?.kind !== 'source-image' || !isKnown) {
    const content = await repository.manifest(image.digest);
    const layers = content && (await diffIdsOf(content, repository));
    await record(
      repository,
      image,
      {
        image: image.digest,
        kind: 'source-image',
        // The image is its own base: it begins with all of its layers.
        bases: [
          {
            name: formatSource(source),
            digest: source.digest,
            role: 'root',
            ...(layers ? { layers } : {}),
          },
        ],
        platform: formatPlatform(defaultPlatform),
        builder: { name: 'unknown: taken over by digest', version: 'unknown' },
        identity: ports.identity,
        startedAt,
        finishedAt: rfc3339(ports.clock.now().getTime() / 1000),
      },
      ports,
    );
  }
  await tagVersion(spec, repository, image, ports);
  return reportOf(spec, { image, location: 'store' }, already, formatPlatform(defaultPlatform), ports);
}

async function reportOf(
  spec: ImageSpec,
  { image, location }: Found,
  already: boolean,
  platform: string,
  ports: BuildPorts,
  buildKey?: string,
): Promise<BuildReport> {
  const registry = location === 'registry' && ports.published ? ports.published : ports.store;
  const content = await registry.repository(spec.repository).manifest(image.digest);
  if (!content)
    throw new AmlpromoteError('NOT_FOUND', `${spec.repository}@${image.digest} has just been removed`);
  const { config, layers } = parseManifest(content);
  return {
    image,
    repository: spec.repository,
    platform,
    ...(buildKey === undefined ? {} : { buildKey }),
    location,
    already,
    layers: layers.length,
    sizeBytes: layers.reduce((sum, { size }) => sum + size, config.size),
  };
}

const logTo =
  (progress: StepContext['progress']) =>
  (line: string): void =>
    progress({ type: 'log', step: 'build', line });

const noteTo =
  (progress: StepContext['progress']) =>
  (message: string): void =>
    progress({ type: 'note', step: 'build', message });
