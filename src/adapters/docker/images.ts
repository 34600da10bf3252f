import { withoutTag } from '../../domain/reference.ts';
import type Docker from 'dockerode';
import { AmlpromoteError, isInconclusive } from '../../domain/errors.ts';
import type { Platform } from '../../domain/platform.ts';
import { formatPlatform } from '../../domain/platform.ts';
import type { EngineImage, EngineInspectOptions } from '../../ports/engine.ts';
import { followStream } from './build-stream.ts';
import { readableOf, unlessAborted } from './stream.ts';
import { diskFull, isDiskFull, reasonOf, statusOf } from './errors.ts';

/** @throws MANIFEST_INVALID for what is no name of an image */
export async function inspectImage(
  docker: Docker,
  reference: string,
  signal?: AbortSignal,
): Promise<EngineImage | undefined> {
  const found = await unlessAborted(docker, docker.getImage(reference).inspect(), signal).catch(
    (error: unknown) => {
      if (statusOf(error) === 404) return undefined;
      if (/invalid reference format/i.test(reasonOf(error))) throw noName(reference, error);
      throw error;
    },
  );
  if (!found) return undefined;
  // The type says that these are always there; containerd's image store and Podman leave some out.
  const { RootFS, RepoDigests, Config } = found as Partial<Docker.ImageInspectInfo>;
  const onBuild: unknown = Config?.OnBuild;
  const variant = 'Variant' in found && typeof found.Variant === 'string' ? found.Variant : '';
  return {
    id: found.Id.startsWith('sha256:') ? found.Id : `sha256:${found.Id}`,
    platform: { os: found.Os, architecture: found.Architecture, ...(variant === '' ? {} : { variant }) },
    repoDigests: RepoDigests ?? [],
    diffIds: RootFS?.Layers ?? [],
    onBuild: Array.isArray(onBuild) ? onBuild.map(String) : [],
    sizeBytes: found.Size,
  };
}

const noName = (reference: string, error: unknown): AmlpromoteError =>
  new AmlpromoteError(
    'MANIFEST_INVALID',
    `${JSON.stringify(reference)} is no name of an image: ${reasonOf(error).slice(0, 200)}`,
    {
      nextSteps: ['Check FROM and COPY --from in the Dockerfile, and the build arguments that they use.'],
      cause: error,
    },
  );

/** The image as the engine has it; with `pull`, after it was pulled where it has to be. */
export async function lookUp(
  docker: Docker,
  address: string,
  reference: string,
  options: EngineInspectOptions,
): Promise<EngineImage | undefined> {
  const found = await inspectImage(docker, reference, options.signal);
  if (options.pull !== true) return found;
  const { platform, exactPlatform = false } = options;
  const isOther = found && exactPlatform && platform && !fitsPlatform(found, platform);
  if (found && !isOther) return found;
  try {
    await pullImage(docker, address, reference, options);
  } catch (error) {
    // The one that is there may still do: the build is what finds out.
    if (found && isInconclusive(error)) return found;
    throw error;
  }
  return inspectImage(docker, reference, options.signal);
}

/** Whether an image may be used for a platform; one that names no architecture (an imported one) may be. */
const fitsPlatform = ({ platform }: EngineImage, wanted: Platform): boolean =>
  (platform.os === '' || platform.os === wanted.os) &&
  (platform.architecture === '' || platform.architecture === wanted.architecture);

/** @throws NOT_FOUND, FORBIDDEN, UNREACHABLE, DISK_FULL */
async function pullImage(
  docker: Docker,
  address: string,
  reference: string,
  options: EngineInspectOptions,
): Promise<void> {
  const fail = (reason: string): AmlpromoteError => pullError(address, reference, reason);
  const stream = await docker
    .pull(withTag(reference), {
      ...(options.platform ? { platform: formatPlatform(options.platform) } : {}),
      ...(options.signal ? { abortSignal: options.signal } : {}),
    })
    .catch((error: unknown) => {
      throw statusOf(error) === undefined ? error : fail(reasonOf(error));
    });
  const { error } = await followStream(readableOf(stream), options.onLog ?? (() => undefined));
  if (error !== undefined) throw fail(error);
}

/** An engine says everything with status 500 or 404; the words tell them apart. */
function pullError(address: string, reference: string, reason: string): AmlpromoteError {
  if (isDiskFull(reason)) return diskFull(address);
  const what = `the base image ${reference} is not in the engine and cannot be pulled: ${reason.slice(0, 300)}`;
  if (/denied|unauthorized|authentication|forbidden/i.test(reason)) {
    return new AmlpromoteError('FORBIDDEN', what, {
      nextSteps: [`Log in and pull it yourself (docker pull ${reference}), or check its name.`],
    });
  }
  if (/not found|unknown|does not exist|invalid reference/i.test(reason)) {
    return new AmlpromoteError('NOT_FOUND', what, {
      nextSteps: ['Check the name in the Dockerfile or in its build arguments.'],
    });
  }
  return new AmlpromoteError('UNREACHABLE', what, {
    nextSteps: [
      `Give the engine access to that registry, or load the image first (docker load, docker pull).`,
    ],
  });
}

/** Without a tag an engine would pull every tag that there is. */
const withTag = (reference: string): string =>
  reference.includes('@') || withoutTag(reference) !== reference ? reference : `${reference}:latest`;
