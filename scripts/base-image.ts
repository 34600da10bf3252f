import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { followStream } from '../src/adapters/docker/build-stream.ts';
import { connectEngine, openDocker } from '../src/adapters/docker/engine.ts';
import { engineError } from '../src/adapters/docker/errors.ts';
import type { EnginePlaces } from '../src/domain/engine-address.ts';
import { enginePlaces } from '../src/domain/engine-address.ts';
import { AmlpromoteError } from '../src/domain/errors.ts';
import type { Engine } from '../src/ports/engine.ts';
import { debianRootfs, fileTime } from './debian-rootfs.ts';
import { imageArchive } from './image-archive.ts';
import { aptInstall, findProgram, isDebianRoot } from './system.ts';

/** What the manifests of the samples name as BASE. */
export const baseImage = 'amlpromote/base:bookworm-python';

/** For machines that cannot make a root file system but can pull. The same Debian, which the demo's advisories cover. */
const pulledBase = 'python:3.12-slim-bookworm';

export interface BaseImageOptions {
  readonly dockerHost: string;
  /** The archive of the base is kept below it, for the next engine. */
  readonly workDir: string;
  readonly log: (line: string) => void;
  /** Whether the root file system may be made here, where that is possible; default: it may. */
  readonly mayMake?: boolean;
}

/**
 * Makes sure that the engine has the base image of the samples, Debian 12 with Python and numpy. It is made once from
 * Debian's packages (a minute); the archive is kept for the next engine. Who is not root on Debian gets it from a public
 * registry instead.
 * @throws AmlpromoteError, exit code 20, when it cannot be had
 */
export async function ensureBaseImage(options: BaseImageOptions): Promise<void> {
  const { dockerHost, log } = options;
  try {
    const engine = await connectEngine({ hosts: [dockerHost], ...certificates() });
    if (await engine.inspect(baseImage)) log(`${baseImage} is there already`);
    else await bring(engine, options);
  } catch (error) {
    const known = engineError(error, dockerHost, `bring ${baseImage} into the engine`);
    if (!(known instanceof AmlpromoteError)) throw known;
    throw new AmlpromoteError(known.code, `the base image of the samples cannot be had: ${known.message}`, {
      cause: error,
      nextSteps: [
        `Give the engine access to a registry that has ${pulledBase}, or docker load that image first.`,
        `Or make the base yourself: an image ${baseImage} with python3 and numpy. Root on Debian makes it from Debian's packages.`,
      ],
    });
  }
}

async function bring(engine: Engine, { dockerHost, workDir, log, mayMake }: BaseImageOptions): Promise<void> {
  const archive = path.join(workDir, 'base', 'bookworm-python.tar');
  if (await exists(archive)) {
    log(`loading ${baseImage} from ${archive}`);
  } else if (mayMake !== false && (await canMakeRootfs(log))) {
    log(`making ${baseImage} from Debian's packages: about a minute, once`);
    await makeArchive(archive, log);
  } else {
    log(`making ${baseImage} from ${pulledBase}`);
    await engine.inspect(pulledBase, { pull: true, onLog: log });
    await buildOn(dockerHost, pulledBase, log);
    return;
  }
  await loadArchive(dockerHost, archive);
}

async function canMakeRootfs(log: (line: string) => void): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  if ((await findProgram('debootstrap')) !== undefined) return true;
  return (await isDebianRoot()) && aptInstall(['debootstrap', 'debian-archive-keyring'], log);
}

async function makeArchive(archive: string, log: (line: string) => void): Promise<void> {
  await mkdir(path.dirname(archive), { recursive: true });
  const folder = await mkdtemp(path.join(path.dirname(archive), 'new-'));
  try {
    const made = path.join(folder, 'rootfs.tar');
    await debianRootfs(path.join(folder, 'rootfs'), made, log);
    await rename(made, archive);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function loadArchive(dockerHost: string, file: string): Promise<void> {
  const config = {
    Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8'],
    Cmd: ['python3'],
  };
  const image = await imageArchive({ name: baseImage, layer: { file }, config, created: fileTime });
  const docker = await dockerode(dockerHost);
  await finish(await docker.loadImage(image));
}

async function buildOn(dockerHost: string, base: string, log: (line: string) => void): Promise<void> {
  const { pack } = await import('tar-stream');
  const context = pack();
  context.entry(
    { name: 'Dockerfile' },
    `FROM ${base}\nRUN python3 -B -c 'import numpy' 2>/dev/null || pip install --no-cache-dir numpy==2.2.6\n`,
  );
  context.finalize();
  const docker = await dockerode(dockerHost);
  await finish(await docker.buildImage(Readable.from(context, { objectMode: false }), { t: baseImage }), log);
}

const certificates = (): Pick<EnginePlaces, 'certificates'> => {
  const { certificates: directory } = enginePlaces(process.env, undefined);
  return directory === undefined ? {} : { certificates: directory };
};

const dockerode = (host: string): Promise<Docker> => openDocker(host, certificates().certificates);

async function finish(
  stream: NodeJS.ReadableStream,
  log: (line: string) => void = () => undefined,
): Promise<void> {
  const { error } = await followStream(stream as AsyncIterable<Uint8Array>, log);
  if (error === undefined) return;
  throw new AmlpromoteError('SERVICE_FAILED', `the engine says: ${error}`);
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
