import { existsSync } from 'node:fs';
import type Docker from 'dockerode';
import { removeContainer, runContainer } from './container-run.ts';
import type { ContainerEngine } from './engine.ts';

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
    run: (spec, output, signal) => runContainer(docker, spec, output, signal),
    sweep: async (label) => {
      const left = await docker.listContainers({ all: true, filters: { label: [label] } });
      for (const { Id: id } of left) await removeContainer(docker.getContainer(id));
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
