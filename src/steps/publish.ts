import type { Clock } from '../ports/clock.ts';
import type { Descriptor } from '../domain/descriptor.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import type { Progress } from '../domain/events.ts';
import { tags } from '../domain/names.ts';
import { copyContent } from '../oci/copy.ts';
import type { Registry, Repository } from '../ports/content.ts';

export interface PublishInput {
  readonly repository: string;
  readonly image: Descriptor;
  /** sha256 hex; the image is then found again by `build-<key12>`. */
  readonly buildKey?: string;
}

export interface PublishPorts {
  readonly store: Registry;
  /** The non-sensitive registry. */
  readonly registry: Registry;
  readonly clock: Clock;
  readonly progress: Progress;
}

export interface PublishReport {
  readonly image: Descriptor;
  /** `host/repository@sha256:…` */
  readonly reference: string;
  readonly already: boolean;
  readonly bytes: number;
}

/** store → staging repository of the non-sensitive registry (the repository itself), under the build tag if there is one. */
export async function publish(
  input: PublishInput,
  ports: PublishPorts,
  signal?: AbortSignal,
): Promise<PublishReport> {
  const { image, repository } = input;
  const target = ports.registry.repository(repository);
  const reference = `${ports.registry.host}/${repository}@${image.digest}`;
  ports.progress({ type: 'started', step: 'publish', subject: reference });
  const tag = input.buildKey === undefined ? undefined : tags.build(input.buildKey.slice(0, 12));
  const there = await target.resolve(tag ?? image.digest);
  let bytes = 0;
  const already = there?.digest === image.digest;
  if (!already) {
    // The store may have been pruned, and another build may have taken the tag over: then the registry's own copy serves.
    const from = await firstThatHas(image, [ports.store.repository(repository), target]);
    if (!from) {
      throw new AmlpromoteError(
        'NOT_FOUND',
        `${repository}@${image.digest} is neither in the store nor in ${ports.registry.host}`,
        {
          nextSteps: ['Run amlpromote build first.'],
        },
      );
    }
    const copied = await copyContent({
      from,
      to: target,
      root: image,
      ...(tag === undefined ? {} : { tag }),
      onBytes: (digest, done, total) =>
        ports.progress({ type: 'bytes', step: 'publish', digest, done, total }),
      onEffect: (effect, subject) => ports.progress({ type: 'effect', step: 'publish', effect, subject }),
      ...(signal ? { signal } : {}),
    });
    bytes = copied.bytes;
  }
  ports.progress({ type: 'finished', step: 'publish', subject: reference, already, detail: reference });
  return { image, reference, already, bytes };
}

async function firstThatHas(
  image: Descriptor,
  repositories: readonly Repository[],
): Promise<Repository | undefined> {
  for (const repository of repositories) if (await repository.resolve(image.digest)) return repository;
  return undefined;
}
