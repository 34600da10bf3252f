import type { BuildFacts } from '../../domain/build.ts';
import { withoutLayers } from '../../domain/build.ts';
import type { ManifestContent } from '../../domain/descriptor.ts';
import { isDigest } from '../../domain/digest.ts';
import { annotations } from '../../domain/media-types.ts';
import { formatPlatform } from '../../domain/platform.ts';
import type { BuildSource } from '../../manifest/image.ts';
import { parseManifest } from '../../oci/manifest.ts';
import { storeEngineImage } from '../../oci/archive/engine-image.ts';
import type { Engine } from '../../ports/engine.ts';
import type { BuildPorts } from '../build.ts';
import { packContext } from './context-tar.ts';
import { exposedArgs } from './exposed.ts';
import { previousLayers } from './previous-layers.ts';
import type { Recipe } from './recipe.ts';
import { lookUpBases, recordedBases, requireRoot, requireUnmoved } from './root.ts';

export interface Built {
  readonly content: ManifestContent;
  readonly bases: BuildFacts['bases'];
  readonly builder: BuildFacts['builder'];
  readonly startedAt: string;
  readonly finishedAt: string;
}

interface EngineBuildInput {
  readonly source: BuildSource;
  readonly recipe: Recipe;
  readonly repository: string;
  /** Without the engine's cache. */
  readonly noCache: boolean;
}

/** Builds in the engine and brings config and layers into the store; the manifest is still to be pushed. */
export async function buildInEngine(
  { source, recipe, repository, noCache }: EngineBuildInput,
  ports: BuildPorts,
): Promise<Built> {
  const { clock, progress, signal } = ports;
  const engine = await ports.engine();
  const startedAt = rfc3339(clock.now().getTime() / 1000);
  const created = rfc3339(ports.sourceDateEpoch ?? recipe.context.newest);
  const notes = {
    [annotations.created]: created,
    ...(recipe.base ? { [annotations.baseName]: recipe.base.name } : {}),
    ...(recipe.base?.published === true ? { [annotations.baseDigest]: recipe.base.digest } : {}),
  };
  const onLog = (line: string): void => progress({ type: 'log', step: 'build', line });
  const root = await lookUpBases(recipe, {
    engine,
    platform: source.platform,
    onLog,
    signal,
  });
  const image = await engine.build({
    context: () => packContext(recipe.context, ports.sourceDateEpoch),
    dockerfile: source.dockerfile,
    args: source.args,
    ...(source.target === undefined ? {} : { target: source.target }),
    platform: source.platform,
    labels: notes,
    needsBuildKit: recipe.needsBuildKit,
    noCache,
    onLog,
    signal,
  });
  progress({ type: 'effect', step: 'build', effect: 'built', subject: image.id });
  const content = await storeEngineImage({
    archive: await engine.save(image.id),
    diffIds: image.diffIds.filter((id) => isDigest(id)),
    store: ports.store,
    repository,
    created,
    annotations: { ...notes, [annotations.buildKey]: recipe.key },
    lookup: ports.published && previousLayers(ports.published.repository(repository)),
    signal,
    onLayer: (_diffId, layer, outcome) =>
      progress({ type: 'effect', step: 'build', effect: `layer ${outcome}`, subject: layer.digest }),
  });
  if (parseManifest(content).layers.length === 0) throw withoutLayers();
  const reader = ports.store.repository(repository);
  await requireUnmoved(recipe.bases, engine);
  const layers = root && (await requireRoot(root, content, reader));
  const note = (message: string): void => progress({ type: 'note', step: 'build', message });
  if (root && !layers)
    note(`the engine does not tell the layers of ${root.name}: a policy with allowedBases cannot be met`);
  for (const name of await exposedArgs(source, content, reader, Object.values(notes))) note(exposed(name));
  return {
    content,
    bases: recordedBases(recipe, layers),
    builder: await builderOf(engine),
    startedAt,
    finishedAt: rfc3339(clock.now().getTime() / 1000),
  };
}

const exposed = (name: string): string =>
  `the value of build argument ${name} stands in the image's own configuration, which crosses: ` +
  'name it under source.build.publicArgs if anyone may read it, else do not pass it';

/** What the facts say about any build of this recipe: of arguments all names, and only values that are called public. */
export const recipeFacts = (
  source: BuildSource,
  recipe: Recipe,
): Pick<BuildFacts, 'kind' | 'buildKey' | 'dockerfile' | 'argNames' | 'args' | 'target' | 'platform'> => ({
  kind: 'engine',
  buildKey: recipe.key,
  dockerfile: source.dockerfile,
  argNames: Object.keys(recipe.args).sort(),
  args: Object.fromEntries(Object.entries(recipe.args).filter(([name]) => source.publicArgs?.includes(name))),
  ...(source.target === undefined ? {} : { target: source.target }),
  platform: formatPlatform(source.platform),
});

async function builderOf(engine: Engine): Promise<BuildFacts['builder']> {
  const { name, version } = await engine.version();
  return { name, version };
}

/** Seconds since the epoch → RFC 3339, whole seconds, UTC. */
export const rfc3339 = (seconds: number): string =>
  new Date(Math.floor(seconds) * 1000).toISOString().replace('.000Z', 'Z');
