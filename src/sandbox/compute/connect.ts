import type { ContainerEngine } from './engine.ts';
import { noEngine } from './failures.ts';

/**
 * The engine at `host`, or the one found where engines usually are. dockerode is loaded only now.
 * @throws JobFailure when there is none, or it does not answer
 */
export async function connectEngine(host: string | undefined): Promise<ContainerEngine> {
  const { dockerEngine, findEngine } = await import('./docker-engine.ts');
  const address = host ?? findEngine();
  if (address === undefined) throw noEngine('none was found');
  try {
    return await dockerEngine(address);
  } catch (cause) {
    throw noEngine(
      `the one at ${address} does not answer (${cause instanceof Error ? cause.message : 'unknown'})`,
      cause,
    );
  }
}
