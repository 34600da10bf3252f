import { existsSync } from 'node:fs';
import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type Docker from 'dockerode';
import type { ContainerEngine, ContainerSpec } from './engine.ts';

/** Where an engine usually listens, in order; `DOCKER_HOST` form. */
export function findEngine(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const { DOCKER_HOST: host, XDG_RUNTIME_DIR: runtime } = environment;
  if (host) return host;
  const sockets = [
    '/var/run/docker.sock',
    ...(runtime ? [`${runtime}/docker.sock`, `${runtime}/podman/podman.sock`] : []),
    '/run/podman/podman.sock',
  ];
  const found = sockets.find((path) => existsSync(path));
  return found === undefined ? undefined : `unix://${found}`;
}

/**
 * A Docker-compatible engine that answers.
 * @param host `unix:///path`, `tcp://host:port`, `http://…` or `https://…`
 * @throws Error when it does not answer within ten seconds
 */
export async function dockerEngine(host: string): Promise<ContainerEngine> {
  const { default: DockerClient } = await import('dockerode');
  const address = addressOf(host);
  // The time limit is this client's alone: a running job may be silent for longer.
  await new DockerClient({ ...address, timeout: 10_000 }).ping();
  const docker = new DockerClient(address);
  return {
    pull: (image, signal) => pull(docker, image, signal),
    workingDirectory: async (image) => {
      const { Config: config } = await docker.getImage(image).inspect();
      return config.WorkingDir;
    },
    run: (spec, output, signal) => run(docker, spec, output, signal),
    sweep: async (label) => {
      const left = await docker.listContainers({ all: true, filters: { label: [label] } });
      for (const { Id: id } of left) await remove(docker.getContainer(id));
    },
  };
}

function addressOf(host: string): Docker.DockerOptions {
  const url = URL.parse(host);
  if (url?.protocol === 'unix:') return { socketPath: url.pathname };
  if (url?.protocol === 'tcp:' || url?.protocol === 'http:')
    return { protocol: 'http', host: url.hostname, port: url.port || 2375 };
  if (url?.protocol === 'https:') return { protocol: 'https', host: url.hostname, port: url.port || 2376 };
  throw new Error(`${host} is not the address of a container engine`);
}

async function pull(docker: Docker, image: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const stream = await docker.pull(image);
  await new Promise<void>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
    docker.modem.followProgress(stream, (error: Error | null, lines: { error?: string }[]) => {
      // A failed pull may end without an error, with an error line in the stream.
      const line = lines.find((entry) => entry.error !== undefined)?.error;
      if (error) reject(error);
      else if (line !== undefined) reject(new Error(line));
      else resolve();
    });
  });
}

async function run(
  docker: Docker,
  spec: ContainerSpec,
  output: (chunk: Buffer) => void,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const container = await docker.createContainer(containerOptions(spec));
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
    const exit = container.wait({ condition: 'removed' }) as Promise<{ StatusCode: number }>;
    exit.catch(() => undefined);
    signal.addEventListener('abort', kill, { once: true });
    await container.start();
    if (signal.aborted) kill();
    const { StatusCode: code } = await exit;
    await finished(log, { writable: false, signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
    return code;
  } finally {
    signal.removeEventListener('abort', kill);
    await remove(container);
  }
}

/** No network, no capabilities, no new privileges, no unlimited anything; the job's folders are all it sees of this machine. */
const containerOptions = (spec: ContainerSpec): Docker.ContainerCreateOptions => ({
  Image: spec.image,
  Entrypoint: ['/bin/sh', '-c'],
  Cmd: [spec.command],
  Env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
  WorkingDir: spec.workingDirectory,
  Labels: { ...spec.labels },
  AttachStdout: true,
  AttachStderr: true,
  HostConfig: {
    // So that a container does not outlive its command even when this process is killed.
    AutoRemove: true,
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
