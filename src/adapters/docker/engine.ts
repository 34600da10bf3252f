import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { AmlpromoteError } from '../../domain/errors.ts';
import { parseEndpoint } from '../../domain/engine-address.ts';
import { formatPlatform } from '../../domain/platform.ts';
import type { Engine } from '../../ports/engine.ts';
import { withoutLayers } from '../../domain/build.ts';
import { buildImage } from './build.ts';
import { engineError, getAnEngine, isRefusedUser, reasonOf } from './errors.ts';
import { inspectImage, lookUp } from './images.ts';
import { readableOf } from './stream.ts';
import type { EngineTraits } from './traits.ts';
import { hereDocumentsOf, readTraits } from './traits.ts';
import { readTriggers } from './triggers.ts';

export interface ConnectOptions {
  /** Addresses as in `DOCKER_HOST`, tried in order; see `enginePlaces`. */
  readonly hosts: readonly string[];
  /** `DOCKER_CERT_PATH`: a directory with ca.pem, cert.pem and key.pem; makes tcp:// TLS. */
  readonly certificates?: string | undefined;
  /** Seconds for the first questions, which an engine answers from memory. */
  readonly patience?: number | undefined;
}

/** The engine, and where it was found (for child processes and messages). */
export interface ConnectedEngine extends Engine {
  readonly address: string;
}

/**
 * Finds a Docker-compatible engine and asks it who it is.
 * @throws ENGINE_UNREACHABLE, with how to get one; USAGE for an address that is none
 */
export async function connectEngine(options: ConnectOptions): Promise<ConnectedEngine> {
  const { hosts } = options;
  const [only] = hosts;
  if (only !== undefined && hosts.length === 1) return connect(only, options);
  let last: AmlpromoteError | undefined;
  for (const host of hosts) {
    try {
      return await connect(host, options);
    } catch (error) {
      if (!(error instanceof AmlpromoteError)) throw error;
      // One that is there but refuses this user says more than the next one that is not there.
      if (!last || !isRefusedUser(last)) last = error;
    }
  }
  if (last && isRefusedUser(last)) throw last;
  throw new AmlpromoteError('ENGINE_UNREACHABLE', 'no container engine was found', {
    cause: last,
    nextSteps: [...getAnEngine, ...(hosts.length > 0 ? [`Looked at: ${hosts.join(', ')}.`] : [])],
  });
}

const silentEngine = (address: string, seconds: number, cause: unknown): AmlpromoteError =>
  new AmlpromoteError(
    'ENGINE_UNREACHABLE',
    `the engine at ${address} takes connections, but did not answer for ${String(seconds)} s`,
    { nextSteps: ['Check that an engine listens there, and restart it; then run again.'], cause },
  );

async function connect(
  address: string,
  { certificates, patience: seconds = 30 }: ConnectOptions,
): Promise<ConnectedEngine> {
  const docker = await openDocker(address, certificates);
  const patience = AbortSignal.timeout(seconds * 1000);
  let traits: EngineTraits;
  try {
    traits = await readTraits(docker, patience);
  } catch (error) {
    if (patience.aborted) throw silentEngine(address, seconds, error);
    throw engineError(error, address, 'reach the engine');
  }
  return dockerEngine(docker, address, traits);
}

/** The client itself, for scripts that do what the port does not (importing a file system). */
export async function openDocker(address: string, certificates: string | undefined): Promise<Docker> {
  const endpoint = parseEndpoint(address, certificates !== undefined);
  const { default: Dockerode } = await import('dockerode');
  const isTls = 'protocol' in endpoint && endpoint.protocol === 'https';
  // A socket has no TLS, whatever is set for another engine: with certificates dockerode would speak it there, too.
  const tls = certificates === undefined || !isTls ? {} : await readCertificates(certificates);
  // dockerode mixes DOCKER_HOST and friends into what is left out: so nothing is.
  const nothing = {
    socketPath: undefined,
    host: undefined,
    port: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
  };
  const { Agent } = isTls ? await import('node:https') : await import('node:http');
  const options = { ...nothing, timeout: undefined, ...endpoint, ...tls, agent: new Agent() };
  return new Dockerode(options);
}

async function readCertificates(directory: string): Promise<{ ca: Buffer; cert: Buffer; key: Buffer }> {
  try {
    const [ca, cert, key] = await Promise.all([
      readFile(join(directory, 'ca.pem')),
      readFile(join(directory, 'cert.pem')),
      readFile(join(directory, 'key.pem')),
    ]);
    return { ca, cert, key };
  } catch (cause) {
    throw new AmlpromoteError('USAGE', `the engine's certificates in ${directory} cannot be read`, {
      cause,
      nextSteps: ['DOCKER_CERT_PATH names a directory with ca.pem, cert.pem and key.pem.'],
    });
  }
}

function dockerEngine(docker: Docker, address: string, traits: EngineTraits): ConnectedEngine {
  const on = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw engineError(error, address, what);
    }
  };
  const known = new Map<string, readonly string[]>();
  const triggers = async (id: string): Promise<readonly string[]> => {
    const read = known.get(id) ?? (await readTriggers(readableOf(await docker.getImage(id).get())));
    known.set(id, read);
    return read;
  };
  return {
    address,
    version: () =>
      Promise.resolve({
        name: traits.name,
        version: traits.version,
        hereDocuments: hereDocumentsOf(traits),
      }),
    build: (request) =>
      on('build', async () => {
        const id = await buildImage(docker, address, traits, request);
        const image = await inspectImage(docker, id);
        if (!image)
          throw new AmlpromoteError('BUILD_FAILED', `the engine does not have the image ${id} that it built`);
        const { os, architecture } = request.platform;
        if (image.platform.os !== os || image.platform.architecture !== architecture) {
          throw new AmlpromoteError(
            'BUILD_FAILED',
            `the engine built ${formatPlatform(image.platform)}, not ${formatPlatform(request.platform)}`,
            { nextSteps: ['Build on a machine of that platform, or use a base image that has it.'] },
          );
        }
        return image;
      }),
    inspect: (reference, options = {}) =>
      on(`look at ${reference}`, async () => {
        const image = await lookUp(docker, address, reference, options);
        if (!image || options.triggers !== true || traits.tellsTriggers) return image;
        return { ...image, onBuild: await triggers(image.id) };
      }),
    save: (imageId) =>
      on(`read ${imageId}`, async () => {
        try {
          return readableOf(await docker.getImage(imageId).get());
        } catch (error) {
          // In the words of the classic builder's exporter.
          throw /empty export/i.test(reasonOf(error)) ? withoutLayers(error) : error;
        }
      }),
  };
}
