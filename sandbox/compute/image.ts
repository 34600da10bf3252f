import type { Reference } from '../../src/domain/reference.ts';
import { parseReference } from '../../src/domain/reference.ts';
import type { ComputeHost } from './compute.ts';
import { failedPullingImage } from './failures.ts';

/**
 * The reference under which the engine pulls an environment's image: the attached registry's loopback port, after the
 * compute identity's role has been checked. That port itself asks for no credentials.
 * @throws JobFailure FailedPullingImage
 */
export function pullReference(context: ComputeHost, image: string): string {
  const { host, repository, tag, digest } = parsed(image);
  const { sensitive } = context.topology.registries;
  if (host !== sensitive.host)
    // The managed network approves no other registry, so its name does not even resolve there.
    throw failedPullingImage(
      image,
      `Error response from daemon: Get "https://${host}/v2/": dial tcp: lookup ${host}: no such host`,
    );
  const identity = context.topology.identities.compute.name;
  if (
    !context.roles.allows(
      identity,
      sensitive.id,
      'Microsoft.ContainerRegistry/registries/pull/read',
      repository,
    )
  )
    throw failedPullingImage(
      image,
      `Error response from daemon: Head "https://${host}/v2/${repository}/manifests/${digest ?? tag ?? 'latest'}": unauthorized: authentication required, visit https://aka.ms/acr/authorization for more information.`,
    );
  const suffix = digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`;
  return `${context.loopback('sensitive')}/${repository}${suffix}`;
}

function parsed(image: string): Reference {
  try {
    return parseReference(image);
  } catch (cause) {
    throw failedPullingImage(image, 'invalid reference format', cause);
  }
}
