import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type Docker from 'dockerode';
import { parseEndpoint } from '../../domain/engine-address.ts';
import type { ContainerEngine, ContainerSpec } from './engine.ts';
import { podmanVersion, pullImage } from './pull.ts';

/**
 * A Docker-compatible engine that answers.
 * @param host in the form of `DOCKER_HOST`
 * @param certificates `DOCKER_CERT_PATH`
 * @throws Error when it does not answer within ten seconds
 */
export async function dockerEngine(host: string, certificates: string | undefined): Promise<ContainerEngine> {
  const { default: DockerClient } = await import('dockerode');
  const address = await addressOf(host, certificates);
  // The time limit is this client's alone: a running job may be silent for longer.
  await new DockerClient({ ...address, timeout: 10_000 }).ping();
  const docker = new DockerClient(address);
  const podman = await podmanVersion(docker);
  return {
    pull: (image, signal) => pullImage(docker, podman, image, signal),
    workingDirectory: async (image) => {
      const { Config: config } = await docker.getImage(image).inspect();
      return config.WorkingDir;
    },
    run: (spec, output, signal) => run(docker, podman === undefined, spec, output, signal),
    sweep: async (label) => {
      const left = await docker.listContainers({ all: true, filters: { label: [label] } });
      for (const { Id: id } of left) await remove(docker.getContainer(id));
    },
  };
}

/** Everything is said, for dockerode mixes `DOCKER_HOST` and friends into what is left out. */
async function addressOf(host: string, certificates: string | undefined): Promise<Docker.DockerOptions> {
  const endpoint = parseEndpoint(host, certificates !== undefined);
  const nothing = { socketPath: undefined, host: undefined, port: undefined };
  const address = { ...nothing, ca: undefined, cert: undefined, key: undefined, ...endpoint };
  if (!('protocol' in endpoint) || endpoint.protocol !== 'https' || certificates === undefined)
    return address;
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(join(certificates, name))),
  );
  return { ...address, ca, cert, key };
}

/**
 * @param byItself whether the engine removes a container that has ended, so that none outlives its command even when this
 * process is killed. Podman does as well, but then forgets how it ended: 4.3 says 0 whatever the exit code was. There
 * containers that a killed process left go with the next sweep.
 */
async function run(
  docker: Docker,
  byItself: boolean,
  spec: ContainerSpec,
  output: (chunk: Buffer) => void,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const container = await docker.createContainer(containerOptions(spec, byItself));
  const kill = (): void => void container.kill().catch(() => undefined);
  try {
    // Attached and waited for before the start: nothing of a short command is lost although it removes itself.
    const log = await container.attach({ stream: true, stdout: true, stderr: true });
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        output(chunk);
        done();
      },
    });
    docker.modem.demuxStream(log, sink, sink);
    const removed = byItself ? exitOf(container, 'removed') : undefined;
    removed?.catch(() => undefined);
    signal.addEventListener('abort', kill, { once: true });
    await container.start();
    if (signal.aborted) kill();
    const code = await (removed ?? exitOf(container, 'not-running'));
    await finished(log, { writable: false, signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
    return code;
  } finally {
    signal.removeEventListener('abort', kill);
    await remove(container);
  }
}

async function exitOf(container: Docker.Container, condition: 'removed' | 'not-running'): Promise<number> {
  const { StatusCode: code } = (await container.wait({ condition })) as { readonly StatusCode: number };
  return code;
}

/** No network, no capabilities, no new privileges, no unlimited anything; the job's folders are all it sees of this machine. */
const containerOptions = (spec: ContainerSpec, autoRemove: boolean): Docker.ContainerCreateOptions => ({
  Image: spec.image,
  Entrypoint: ['/bin/sh', '-c'],
  Cmd: [spec.command],
  Env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
  WorkingDir: spec.workingDirectory,
  Labels: { ...spec.labels },
  AttachStdout: true,
  AttachStderr: true,
  HostConfig: {
    AutoRemove: autoRemove,
    NetworkMode: 'none',
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    Memory: spec.memory,
    MemorySwap: spec.memory,
    ShmSize: spec.sharedMemory,
    PidsLimit: spec.processes,
    LogConfig: { Type: 'none', Config: {} },
    Mounts: spec.mounts.map(({ source, target, readOnly }) => ({
      Type: 'bind',
      Source: source,
      Target: target,
      ReadOnly: readOnly,
    })),
  },
});

/** Gone already, or going: both are what is wanted. */
async function remove(container: Docker.Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
    if (status !== 404 && status !== 409) throw error;
  }
}
