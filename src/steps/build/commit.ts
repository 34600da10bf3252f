import type { BuildFacts } from '../../domain/build.ts';
import type { Descriptor, ManifestContent } from '../../domain/descriptor.ts';
import { shortHex } from '../../domain/digest.ts';
import { tags } from '../../domain/names.ts';
import type { BuildSource, ImageSpec } from '../../manifest/image.ts';
import { resolveVersion } from '../../manifest/image.ts';
import type { Repository } from '../../ports/content.ts';
import type { BuildPorts } from '../build.ts';
import { readBuildFacts, writeBuildFacts } from './facts.ts';
import type { Found } from './find.ts';
import { recipeFacts, rfc3339 } from './from-dockerfile.ts';
import type { Recipe } from './recipe.ts';

/**
 * An image that was found: facts are written when there are none here. They say what is known (the recipe, which the key
 * proves to be the same), and that somebody else built it.
 */
export async function recordFound(
  spec: ImageSpec,
  source: BuildSource,
  recipe: Recipe,
  { image, location }: Found,
  ports: BuildPorts,
): Promise<void> {
  const repository = ports.store.repository(spec.repository);
  if (!(await readBuildFacts(ports.store, spec.repository, image.digest, ports.seal))) {
    const now = rfc3339(ports.clock.now().getTime() / 1000);
    const where = location === 'store' ? 'the store' : (ports.published?.host ?? 'the registry');
    await record(
      repository,
      image,
      {
        image: image.digest,
        ...recipeFacts(source, recipe),
        ...(await sourceOf(source, ports)),
        builder: { name: `unknown: found in ${where} by its build key`, version: 'unknown' },
        identity: ports.identity,
        startedAt: now,
        finishedAt: now,
      },
      ports,
    );
  }
  if (location === 'store') await tagVersion(spec, repository, image, ports);
}

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
