import type { BuildFacts } from '../../domain/build.ts';
import type { ManifestContent } from '../../domain/descriptor.ts';
import { isDigest } from '../../domain/digest.ts';
import { annotations } from '../../domain/media-types.ts';
import { formatPlatform } from '../../domain/platform.ts';
import type { BuildSource } from '../../manifest/image.ts';
import { storeEngineImage } from '../../oci/archive/engine-image.ts';
import type { Engine } from '../../ports/engine.ts';
import type { BuildPorts } from '../build.ts';
import { packContext } from './context-tar.ts';
import { previousLayers } from './previous-layers.ts';
import type { Recipe } from './recipe.ts';

export interface Built {
  readonly content: ManifestContent;
  readonly builder: BuildFacts['builder'];
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** Builds in the engine and brings config and layers into the store; the manifest is still to be pushed. */
export async function buildInEngine(
  source: BuildSource,
  recipe: Recipe,
  repository: string,
  ports: BuildPorts,
  options: { readonly noCache: boolean; readonly signal: AbortSignal | undefined },
): Promise<Built> {
  const { clock, progress } = ports;
  const engine = await ports.engine();
  const startedAt = rfc3339(clock.now().getTime() / 1000);
  const created = rfc3339(ports.sourceDateEpoch ?? recipe.context.newest);
  const notes = {
    [annotations.created]: created,
    ...(recipe.base ? { [annotations.baseName]: recipe.base.name } : {}),
    ...(recipe.base?.published === true ? { [annotations.baseDigest]: recipe.base.digest } : {}),
  };
  const image = await engine.build({
    context: () => packContext(recipe.context, ports.sourceDateEpoch),
    dockerfile: source.dockerfile,
    args: source.args,
    ...(source.target === undefined ? {} : { target: source.target }),
    platform: source.platform,
    labels: notes,
    needsBuildKit: recipe.needsBuildKit,
    noCache: options.noCache,
    onLog: (line) => progress({ type: 'log', step: 'build', line }),
    ...(options.signal ? { signal: options.signal } : {}),
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
    signal: options.signal,
    onLayer: (_diffId, layer, outcome) =>
      progress({ type: 'effect', step: 'build', effect: `layer ${outcome}`, subject: layer.digest }),
  });
  return {
    content,
    builder: await builderOf(engine),
    startedAt,
    finishedAt: rfc3339(clock.now().getTime() / 1000),
  };
}

/** What the facts say about any build of this recipe. */
export const recipeFacts = (
  source: BuildSource,
  recipe: Recipe,
): Pick<BuildFacts, 'kind' | 'buildKey' | 'bases' | 'dockerfile' | 'args' | 'target' | 'platform'> => ({
  kind: 'engine',
  buildKey: recipe.key,
  bases: recipe.bases.map(({ name, digest }) => ({ name, digest })),
  dockerfile: source.dockerfile,
  args: source.args,
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
