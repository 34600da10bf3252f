import type Docker from 'dockerode';
import type { Readable } from 'node:stream';
import { AmlpromoteError } from '../../domain/errors.ts';
import { settledLine } from '../../domain/log-line.ts';
import { formatPlatform } from '../../domain/platform.ts';
import { safeText } from '../../network/foreign-text.ts';
import type { EngineBuildRequest } from '../../ports/engine.ts';
import { followStream } from './build-stream.ts';
import { reasonOf, statusOf } from './errors.ts';
import { buildTrouble } from './build-trouble.ts';
import { readableOf } from './stream.ts';
import type { EngineTraits } from './traits.ts';

/** Lines of the log that go into the error. */
const tailLines = 20;

/**
 * One build; returns the image's id. The classic builder where the engine prefers it (Docker before 23, Podman), BuildKit
 * where that is the engine's default or the Dockerfile needs it.
 * @throws BUILD_FAILED with the log's tail; DISK_FULL; UNREACHABLE, THROTTLED or SERVICE_FAILED where the build could not get its parts
 */
export async function buildImage(
  docker: Docker,
  address: string,
  traits: EngineTraits,
  request: EngineBuildRequest,
): Promise<string> {
  const tail: string[] = [];
  const onLog = (text: string): void => {
    const line = settledLine(text);
    tail.push(line.slice(0, 1000));
    if (tail.length > tailLines) tail.shift();
    request.onLog(line);
  };
  const fail = (reason: string): AmlpromoteError =>
    buildTrouble(reason, address) ?? buildFailed(reason, tail);

  try {
    return await attempt(docker, traits, request, onLog, fail);
  } catch (error) {
    const lost = lostCache[traits.name === 'podman' ? 'podman' : 'docker'];
    const isLost = error instanceof AmlpromoteError && lost.test(error.message);
    if (!isLost || request.noCache === true) throw error;
    onLog(
      'an image was removed while the engine looked for steps that it remembers: once more, without them',
    );
    return attempt(docker, traits, { ...request, noCache: true }, onLog, fail);
  }
}

/**
 * The engine broke off because somebody removed an image meanwhile: Podman looks for remembered steps in all images, Docker's
 * classic builder goes on from one that it remembers.
 */
const lostCache = {
  podman: /^the build failed: (?:checking if cached image exists|.*\b(?:layer|image) not known)/,
  docker: /^the build failed: unable to find image "sha256:[0-9a-f]{64}"/,
} as const;

async function attempt(
  docker: Docker,
  traits: EngineTraits,
  request: EngineBuildRequest,
  onLog: (line: string) => void,
  fail: (reason: string) => AmlpromoteError,
): Promise<string> {
  const context = request.context();
  let contextError: Error | undefined;
  context.once('error', (error) => (contextError = error));
  const stream = await send(docker, context, traits, request).catch((error: unknown) => {
    if (contextError !== undefined) throw contextError;
    // 400 and 500 before the stream starts: the Dockerfile cannot be read, an unknown target, an invalid argument.
    if (statusOf(error) !== undefined) throw fail(reasonOf(error));
    throw error;
  });
  const outcome = await followStream(stream, onLog);
  if (contextError !== undefined) throw contextError;
  if (outcome.error !== undefined) throw fail(outcome.error);
  if (outcome.imageId === undefined) throw fail('the engine ended the build without naming an image');
  return outcome.imageId;
}

async function send(
  docker: Docker,
  context: Readable,
  traits: EngineTraits,
  request: EngineBuildRequest,
): Promise<Readable> {
  const useBuildKit =
    traits.buildKit === 'preferred' || (traits.buildKit === 'possible' && request.needsBuildKit);
  const stream = await docker.buildImage(context, {
    dockerfile: request.dockerfile,
    buildargs: { ...request.args },
    labels: { ...request.labels },
    platform: formatPlatform(request.platform),
    rm: true,
    forcerm: true,
    nocache: request.noCache === true,
    version: useBuildKit === true ? '2' : '1',
    ...(request.target === undefined ? {} : { target: request.target }),
    ...(traits.hasNetwork ? {} : { networkmode: 'none' }),
    ...(request.signal === undefined ? {} : { abortSignal: request.signal }),
  });
  return readableOf(stream);
}

function buildFailed(reason: string, tail: readonly string[]): AmlpromoteError {
  const log = tail.filter((line) => line.trim() !== '');
  return new AmlpromoteError(
    'BUILD_FAILED',
    [`the build failed: ${safeText(reason, 2000)}`, ...log].join('\n  '),
    {
      nextSteps: [
        'Correct the Dockerfile or its context, then run the same command again.',
        ...hints(reason),
      ],
    },
  );
}

function hints(reason: string): readonly string[] {
  if (/pull access denied|manifest unknown|repository does not exist|no such host/i.test(reason)) {
    return [
      'The base image is neither in the engine nor can it be pulled: docker pull it first, or name another.',
    ];
  }
  if (/requires BuildKit|unknown (?:flag|instruction)/i.test(reason)) {
    return ['The engine cannot read this Dockerfile: use a newer engine with BuildKit, or simpler syntax.'];
  }
  return [];
}
