import type { Descriptor } from '../domain/descriptor.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { tags } from '../domain/names.ts';
import { copyContent } from '../oci/copy.ts';
import type { Registry, Repository } from '../ports/content.ts';
import type { StepContext } from '../ports/step-context.ts';
import { step } from './step.ts';

export interface PublishInput {
  readonly repository: string;
  readonly image: Descriptor;
  /** sha256 hex; the image is then found again by `build-<key12>`. */
  readonly buildKey?: string;
}

export interface PublishPorts extends StepContext {
  readonly store: Registry;
  /** The non-sensitive registry. */
  readonly registry: Registry;
}

export interface PublishReport {
  readonly image: Descriptor;
  /** `host/repository@sha256:…` */
  readonly reference: string;
  readonly already: boolean;
  readonly bytes: number;
}

/** store → staging repository of the non-sensitive registry (the repository itself), under the build tag if there is one. */
export async function publish(input: PublishInput, ports: PublishPorts): Promise<PublishReport> {
  const reference = `${ports.registry.host}/${input.repository}@${input.image.digest}`;
  return await step(
    ports,
    'publish',
    reference,
    async () => ({ image: input.image, reference, ...(await copyOut(input, ports)) }),
    ({ already }) => ({ already, detail: reference }),
  );
}

async function copyOut(
  { image, repository, buildKey }: PublishInput,
  { store, registry, progress, signal }: PublishPorts,
): Promise<Pick<PublishReport, 'already' | 'bytes'>> {
  const target = registry.repository(repository);
  const tag = buildKey === undefined ? undefined : tags.build(buildKey.slice(0, 12));
  const there = await target.resolve(tag ?? image.digest);
  if (there?.digest === image.digest) return { already: true, bytes: 0 };
  // The store may have been pruned, and another build may have taken the tag over: then the registry's own copy serves.
  const from = await firstThatHas(image, [store.repository(repository), target]);
  if (!from) {
    throw new AmlpromoteError(
      'NOT_FOUND',
      `${repository}@${image.digest} is neither in the store nor in ${registry.host}`,
      { nextSteps: ['Run amlpromote build first.'] },
    );
  }
  const { bytes } = await copyContent({
    from,
    to: target,
    root: image,
    tag,
    onBytes: (digest, done, total) => progress({ type: 'bytes', step: 'publish', digest, done, total }),
    onEffect: (effect, subject) => progress({ type: 'effect', step: 'publish', effect, subject }),
    signal,
  });
  return { already: false, bytes };
}

async function firstThatHas(
  image: Descriptor,
  repositories: readonly Repository[],
): Promise<Repository | undefined> {
  for (const repository of repositories) if (await repository.resolve(image.digest)) return repository;
  return undefined;
}
