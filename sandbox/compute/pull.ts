import type Docker from 'dockerode';
import type { Readable } from 'node:stream';

/**
 * Pulls from a registry that speaks plain http on a loopback port. Docker does that by itself (dockerd, "Insecure
 * registries": 127.0.0.0/8 is insecure whatever is configured). Podman wants TLS, and only its own API can say otherwise
 * (libpod `POST /images/pull`, `tlsVerify`).
 * @param podman what `podmanVersion` said
 * @throws Error with the engine's own words
 */
export async function pullImage(
  docker: Docker,
  podman: string | undefined,
  image: string,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const stream = podman === undefined ? await docker.pull(image) : await pullByPodman(docker, podman, image);
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

/** Podman's version, which stands in the paths of its own API; undefined of any other engine. */
export async function podmanVersion(docker: Docker): Promise<string | undefined> {
  const { Components } = (await docker.version()) as {
    readonly Components?: readonly { readonly Name: string; readonly Version: string }[];
  };
  const version = Components?.find(({ Name }) => /podman/i.test(Name))?.Version;
  return version?.match(/^\d+\.\d+\.\d+/)?.[0];
}

function pullByPodman(docker: Docker, version: string, reference: string): Promise<Readable> {
  const options = {
    path: `/v${version}/libpod/images/pull?`,
    method: 'POST',
    isStream: true,
    statusCodes: { 200: true, 400: 'bad parameter', 500: 'server error' },
    options: { reference, tlsVerify: false },
  };
  return new Promise((resolve, reject) => {
    docker.modem.dial(options, (error: unknown, stream: unknown) => {
      if (error) reject(error instanceof Error ? error : new Error('the engine does not pull'));
      else resolve(stream as Readable);
    });
  });
}
