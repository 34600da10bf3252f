import { homedir } from 'node:os';
import type { EnginePlaces } from '../../src/domain/engine-address.ts';
import { enginePlaces } from '../../src/domain/engine-address.ts';
import type { ContainerEngine } from './engine.ts';
import type { JobFailure } from './failures.ts';
import { noEngine } from './failures.ts';

/**
 * The engine at `host`, or else the first that answers where the environment says that one may be. dockerode is loaded only
 * now.
 * @throws JobFailure when there is none, or it does not answer
 */
export async function connectEngine(
  host: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ContainerEngine> {
  const { dockerEngine } = await import('./docker-engine.ts');
  const found = enginePlaces(environment, environment['HOME'] ?? homedir());
  const places: EnginePlaces = host === undefined ? found : { ...found, host, hosts: [host] };
  let failure: JobFailure | undefined;
  for (const address of places.hosts) {
    try {
      return await dockerEngine(address, places.certificates);
    } catch (cause) {
      // Of several sockets that are tried, the first that is there but does not answer says most.
      if (places.host !== undefined || (!failure && !isAbsent(cause))) failure = notAnswering(address, cause);
    }
  }
  throw failure ?? noEngine(`none was found (looked at ${places.hosts.join(', ')})`);
}

const notAnswering = (address: string, cause: unknown): JobFailure =>
  noEngine(
    `the one at ${address} does not answer (${cause instanceof Error ? cause.message : 'unknown'})`,
    cause,
  );

const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';
