import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { connectEngine } from '../src/adapters/docker/engine.ts';
import { AmlpromoteError } from '../src/domain/errors.ts';
import { debianRootfs } from './debian-rootfs.ts';
import { aptInstall, findProgram, isDebianRoot } from './system.ts';

/** What the manifests of the samples name as BASE. */
export const baseImage = 'amlpromote/base:bookworm-python';

/** For machines that cannot make a root file system but can pull. The same Debian, which the demo's advisories cover. */
const pulledBase = 'python:3.12-slim-bookworm';

/**
 * Makes sure that the engine has the base image of the samples, Debian 12 with Python and numpy, and returns its name. It
 * is made once from Debian's packages (a minute); the archive is kept below `workDir` for the next engine. Who is not root
 * on Debian gets it from a public registry instead.
 */
export async function ensureBaseImage(
  dockerHost: string,
  workDir: string,
  log: (line: string) => void,
): Promise<string> {
  const engine = await connectEngine({ hosts: [dockerHost], certificates: process.env['DOCKER_CERT_PATH'] });
  if (await engine.inspect(baseImage)) {
    log(`${baseImage} is there already`);
    return baseImage;
  }
  const archive = path.join(workDir, 'base', 'bookworm-python.tar');
  if (await exists(archive)) {
    log(`loading ${baseImage} from ${archive}`);
  } else if (await canMakeRootfs(log)) {
    log(`making ${baseImage} from Debian's packages: about a minute, once`);
    await makeArchive(archive, log);
  } else {
    log(`making ${baseImage} from ${pulledBase}`);
    await engine.inspect(pulledBase, { pull: true, onLog: log });
    await buildOn(dockerHost, pulledBase, log);
    return baseImage;
  }
  await importArchive(dockerHost, archive);
  return baseImage;
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

const colon = baseImage.lastIndexOf(':');
const [repo, tag] = [baseImage.slice(0, colon), baseImage.slice(colon + 1)];

async function importArchive(dockerHost: string, archive: string): Promise<void> {
  const docker = await dockerode(dockerHost);
  const changes = [
    'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'ENV LANG=C.UTF-8',
    'CMD ["python3"]',
  ];
  await finish(await docker.importImage(archive, { repo, tag, changes: changes.join('\n') }));
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

async function dockerode(host: string): Promise<Docker> {
  const { openDocker } = await import('../src/adapters/docker/engine.ts');
  return openDocker(host, process.env['DOCKER_CERT_PATH']);
}

async function finish(
  stream: NodeJS.ReadableStream,
  log: (line: string) => void = () => undefined,
): Promise<void> {
  const { followStream } = await import('../src/adapters/docker/build-stream.ts');
  const { error } = await followStream(stream as AsyncIterable<Uint8Array>, log);
  if (error === undefined) return;
  throw new AmlpromoteError('BUILD_FAILED', `the base image could not be made: ${error}`, {
    nextSteps: [`Make it by hand: an image ${baseImage} with python3 and numpy.`],
  });
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
