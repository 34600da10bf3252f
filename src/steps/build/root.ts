import type { RecordedBase } from '../../domain/build.ts';
import { beginsWith, scratchBase } from '../../domain/build.ts';
import type { ManifestContent } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { isDigest } from '../../domain/digest.ts';
import { AmlpromoteError, isRefusal } from '../../domain/errors.ts';
import type { Platform } from '../../domain/platform.ts';
import { parseManifest } from '../../oci/manifest.ts';
import { readDiffIds } from '../../oci/walk/config.ts';
import type { ContentReader } from '../../ports/content.ts';
import type { Engine, EngineImage } from '../../ports/engine.ts';
import { refuseTriggers } from './inputs.ts';
import type { Base, Recipe } from './recipe.ts';
import { inspectBase, pinnedDigest } from './recipe.ts';

/** Layers of an image of the engine; undefined where it does not tell (no image is without any: it would prove nothing). */
const layersOf = ({ diffIds }: EngineImage): readonly Digest[] | undefined => {
  const layers = diffIds.filter((id) => isDigest(id));
  return layers.length > 0 && layers.length === diffIds.length ? layers : undefined;
};

interface LookUp {
  readonly engine: Engine;
  readonly platform: Platform;
  readonly onLog: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Looks at bases that the Dockerfile names by digest: nobody had to before, for the build key has their digest. They are
 * refused for their `ONBUILD` before a step runs.
 * @returns the recipe's root as the engine has it; undefined for `scratch`
 */
export async function lookUpBases(recipe: Recipe, { engine, ...options }: LookUp): Promise<Base | undefined> {
  let root = recipe.base;
  for (const base of recipe.bases) {
    if (base.seen || !recipe.begun.includes(base.name)) continue;
    const seen = await inspectBase(engine, base.name, { ...options, exactPlatform: base.role === 'root' });
    refuseTriggers(seen.onBuild, base.name);
    if (base.role === 'root') root = { ...base, seen };
  }
  return root;
}

/**
 * The record names the images that the engine had before the build: a tag that was moved meanwhile may have brought another.
 * @throws INCONCLUSIVE naming the base
 */
export async function requireUnmoved(bases: readonly Base[], engine: Engine): Promise<void> {
  for (const { name, seen } of bases) {
    const now = seen && (await engine.inspect(name));
    if (!now || now.id === seen.id) continue;
    throw new AmlpromoteError('INCONCLUSIVE', `${name} became another image while it was built upon`, {
      nextSteps: ['Build again; name the base by digest (FROM NAME@sha256:…) so that it cannot move.'],
    });
  }
}

/**
 * A base is proven by content, whatever the Dockerfile was taken to say: the image must begin with its layers.
 * @returns the layers; undefined when the engine does not tell them
 * @throws BUILD_FAILED when the image stands on something else
 */
export async function requireRoot(
  root: Base,
  content: ManifestContent,
  reader: ContentReader,
): Promise<readonly Digest[] | undefined> {
  const layers = root.seen && layersOf(root.seen);
  if (!layers || beginsWith((await diffIdsOf(content, reader)) ?? [], layers)) return layers;
  throw new AmlpromoteError(
    'BUILD_FAILED',
    `the image does not begin with the layers of ${root.name}, which its Dockerfile builds on`,
    {
      nextSteps: [
        'Build again. If it stays, the engine squashes or flattens images (podman build --squash-all), has another image under that name for another platform, or reads another FROM in the Dockerfile.',
        'Correct that: nobody could prove what such an image is made of.',
      ],
    },
  );
}

/** The same of an image that was not built just now: undefined when its base is not known here, or is not proven. */
export async function findRootLayers(
  root: Base,
  content: ManifestContent,
  reader: ContentReader,
  inspect: (name: string) => Promise<EngineImage | undefined>,
): Promise<readonly Digest[] | undefined> {
  const seen = root.seen ?? (await inspect(root.name));
  const layers = seen && layersOf(seen);
  return layers && beginsWith((await diffIdsOf(content, reader)) ?? [], layers) ? layers : undefined;
}

/** The diffIDs of an image, one a layer; undefined where it has none that could prove anything. */
export async function diffIdsOf(
  content: ManifestContent,
  reader: ContentReader,
): Promise<readonly Digest[] | undefined> {
  const { config, layers } = parseManifest(content);
  if (layers.length === 0) return undefined;
  try {
    return await readDiffIds(reader, config, layers.length);
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

/** What the facts say about the bases of a recipe. */
export function recordedBases(recipe: Recipe, rootLayers: readonly Digest[] | undefined): RecordedBase[] {
  const proof = rootLayers === undefined ? {} : { layers: rootLayers };
  return [
    ...(recipe.base ? [] : [{ name: scratchBase, role: 'root' as const, layers: [] }]),
    ...recipe.bases.map(({ name, digest, role }) => ({
      name,
      digest,
      role,
      ...(role === 'root' ? proof : {}),
    })),
    ...recipe.frontends.map((name) => {
      const digest = pinnedDigest(name);
      return { name, ...(digest === undefined ? {} : { digest }), role: 'frontend' as const };
    }),
  ];
}
