import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { parseEndpoint } from '../../src/domain/engine-address.ts';
import { removeContainer, runContainer } from './container-run.ts';
import type { ContainerEngine } from './engine.ts';
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
    run: (spec, output, signal) => runContainer(docker, podman === undefined, spec, output, signal),
    sweep: async (label) => {
      const left = await docker.listContainers({ all: true, filters: { label: [label] } });
      for (const { Id: id } of left) await removeContainer(docker.getContainer(id));
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
