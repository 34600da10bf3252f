import type { BuildFacts } from '../../domain/build.ts';
import { hasRoles } from '../../domain/build.ts';
import type { Descriptor, ManifestContent } from '../../domain/descriptor.ts';
import { shortHex } from '../../domain/digest.ts';
import { isInconclusive } from '../../domain/errors.ts';
import { tags } from '../../domain/names.ts';
import { canonicalJson } from '../../json/canonical.ts';
import type { BuildSource, ImageSpec } from '../../manifest/image.ts';
import { resolveVersion } from '../../manifest/image.ts';
import type { Repository } from '../../ports/content.ts';
import type { EngineImage } from '../../ports/engine.ts';
import type { BuildPorts } from '../build.ts';
import { readBuildFacts, writeBuildFacts } from './facts.ts';
import type { Found } from './find.ts';
import { recipeFacts, rfc3339 } from './from-dockerfile.ts';
import type { Recipe } from './recipe.ts';
import { findRootLayers, recordedBases } from './root.ts';

/**
 * An image that was found: facts are written when there are none here. They say what is known (the recipe, which the key
 * proves to be the same), and that somebody else built it. Facts that are here are written again only when the manifest now
 * calls other arguments public.
 */
export async function recordFound(
  spec: ImageSpec,
  source: BuildSource,
  recipe: Recipe,
  found: Found,
  ports: BuildPorts,
): Promise<void> {
  const { image, location } = found;
  const repository = ports.store.repository(spec.repository);
  const facts = recipeFacts(source, recipe);
  const local = await readBuildFacts(ports.store, spec.repository, image.digest, ports.seal);
  const known =
    local ?? (location === 'registry' ? await ports.publishedFacts?.(spec.repository, image) : undefined);
  if (known && !local && !saysOtherwise(known, facts)) {
    // What is published is what `sign` finds again: stated otherwise, the same image would be released anew.
    await record(repository, image, known, ports);
  } else if (!known || saysOtherwise(known, facts)) {
    const now = rfc3339(ports.clock.now().getTime() / 1000);
    const where = location === 'store' ? 'the store' : (ports.published?.host ?? 'the registry');
    const strangers = {
      ...(await sourceOf(source, ports)),
      builder: { name: `unknown: found in ${where} by its build key`, version: 'unknown' },
      identity: ports.identity,
      startedAt: now,
      finishedAt: now,
    };
    const bases = await basesOfFound(spec, recipe, found, ports);
    await record(repository, image, { image: image.digest, ...(known ?? strangers), ...facts, bases }, ports);
  }
  if (location === 'store') await tagVersion(spec, repository, image, ports);
}

/** Facts of version 0.1.0 stay as they are, and with them what was signed of them, until a manifest asks for more. */
function saysOtherwise(known: BuildFacts, facts: ReturnType<typeof recipeFacts>): boolean {
  if (!hasRoles(known)) return Object.keys(facts.args ?? {}).length > 0;
  const said = ({ argNames, args }: Pick<BuildFacts, 'argNames' | 'args'>): string =>
    canonicalJson({ argNames, args });
  return said(known) !== said(facts);
}

/** The bases with their proof, where the engine can be asked and the image stands on what it has. */
async function basesOfFound(
  spec: ImageSpec,
  recipe: Recipe,
  { image, location }: Found,
  ports: BuildPorts,
): Promise<BuildFacts['bases']> {
  const registry = location === 'registry' && ports.published ? ports.published : ports.store;
  const reader = registry.repository(spec.repository);
  const content = await reader.manifest(image.digest);
  const layers =
    recipe.base && content && (await findRootLayers(recipe.base, content, reader, inspectIfPossible(ports)));
  if (recipe.base && !layers) {
    const message =
      `nothing proves that ${image.digest} stands on ${recipe.base.name}: ` +
      'for a policy with allowedBases, build it again here (amlpromote build --rebuild)';
    ports.progress({ type: 'note', step: 'build', message });
  }
  return recordedBases(recipe, layers);
}

const inspectIfPossible =
  (ports: BuildPorts) =>
  async (name: string): Promise<EngineImage | undefined> => {
    try {
      return await (await ports.engine()).inspect(name);
    } catch (error) {
      if (isInconclusive(error)) return undefined;
      throw error;
    }
  };

export async function record(
  repository: Repository,
  image: Descriptor,
  facts: BuildFacts,
  ports: BuildPorts,
): Promise<void> {
  await writeBuildFacts(repository, image, facts, ports.seal);
  ports.progress({
    type: 'effect',
    step: 'build',
    effect: 'facts',
    subject: tags.facts(shortHex(image.digest)),
  });
}

export async function tag(
  repository: Repository,
  content: ManifestContent,
  name: string,
  ports: BuildPorts,
): Promise<void> {
  await repository.pushManifest(content, name);
  ports.progress({ type: 'effect', step: 'build', effect: 'tag', subject: `${repository.name}:${name}` });
}

/** The store's tag of the version is for people (`skopeo inspect oci:STORE:repository:version`) and keeps `prune` away. */
export async function tagVersion(
  spec: ImageSpec,
  repository: Repository,
  image: Descriptor,
  ports: BuildPorts,
): Promise<void> {
  const version = resolveVersion(spec, image.digest);
  if ((await repository.resolve(version))?.digest === image.digest) return;
  const content = await repository.manifest(image.digest);
  if (content) await tag(repository, content, version, ports);
}

export async function sourceOf(source: BuildSource, ports: BuildPorts): Promise<Pick<BuildFacts, 'source'>> {
  const facts = await ports.git?.(source.context);
  return facts ? { source: facts } : {};
}
