import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { ContainerSpec } from './engine.ts';
import { ContainerNotRunning } from './engine.ts';

/** How long the container must run before the command is started in it: an entrypoint that fails does so at once. */
const settleMilliseconds = 200;
/** How long its removal is waited for. */
const removalMilliseconds = 10_000;
/**
 * Exit codes that may mean that the container is gone, and for how long its end is waited for before they are taken for the
 * command's own: 128 + SIGKILL of what dies with its container, and Podman's 125 of what found none to start in.
 */
const lost: Readonly<Record<number, number>> = { 137: removalMilliseconds, 125: 1000 };
/** What is kept of the entrypoint's own output, bytes. */
const keptOutput = 2048;

/**
 * The image's own ENTRYPOINT with `sleep infinity` for a CMD, then the command as a second process in the container: so an
 * entrypoint that prepares something has done it, and one that takes over the arguments ends the container.
 * @param byItself whether the engine removes a container that has ended, so that none outlives its command even when this
 * process is killed. Podman does as well, but then forgets how it ended: 4.3 says 0 whatever the exit code was. There
 * containers that a killed process left go with the next sweep.
 * @returns the command's exit code
 * @throws ContainerNotRunning when the container does not start, or ends before the command does
 */
export async function runContainer(
  docker: Docker,
  byItself: boolean,
  spec: ContainerSpec,
  output: (chunk: Buffer) => void,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const container = await created(docker, spec, byItself);
  const kill = (): void => void container.kill().catch(() => undefined);
  let gone: Promise<unknown> = Promise.resolve();
  try {
    const entrypoint = await startedBy(docker, container, spec, byItself);
    gone = entrypoint.ended;
    signal.addEventListener('abort', kill, { once: true });
    if (signal.aborted) kill();
    await Promise.race([entrypoint.ended, delay(settleMilliseconds)]);
    const command = execute(docker, container, spec, output);
    const code = await Promise.race([command, entrypoint.ended]).catch(async (error: unknown) => {
      // What was refused because the container is gone is the entrypoint's doing.
      if (!(await isRunning(container))) return undefined;
      throw error;
    });
    // With the container, its commands are killed: the engine says so of the command first.
    const patience = code === undefined ? undefined : lost[code];
    if (patience !== undefined) await Promise.race([entrypoint.ended, delay(patience)]);
    if (code !== undefined && (patience === undefined || (await isRunning(container)))) return code;
    command.catch(() => undefined);
    signal.throwIfAborted();
    await entrypoint.ended;
    throw entrypoint.failure();
  } finally {
    signal.removeEventListener('abort', kill);
    await removeContainer(container);
    // The engine removes what ends by itself too, and is then busy with it for a moment.
    await Promise.race([gone, delay(removalMilliseconds, undefined, { ref: false })]);
  }
}

/** False also for one that is gone. */
const isRunning = async (container: Docker.Container): Promise<boolean> =>
  await container.inspect().then(
    ({ State }) => State.Running,
    () => false,
  );

async function created(docker: Docker, spec: ContainerSpec, byItself: boolean): Promise<Docker.Container> {
  try {
    return await docker.createContainer(containerOptions(spec, byItself));
  } catch (cause) {
    throw new ContainerNotRunning(wordsOf(cause), { cause });
  }
}

/** The entrypoint as the container's first process. */
interface Entrypoint {
  /** Settles when the container has ended, whatever ended it. */
  readonly ended: Promise<undefined>;
  /** Why the container does not run any more; once it has ended. */
  failure(): ContainerNotRunning;
}

async function startedBy(
  docker: Docker,
  container: Docker.Container,
  { image }: ContainerSpec,
  byItself: boolean,
): Promise<Entrypoint> {
  // Attached and waited for before the start: nothing of a short life is lost although it removes itself. Podman makes the
  // container ready now, and notices here that its first process is not there.
  const log = await container.attach({ stream: true, stdout: true, stderr: true }).catch((cause: unknown) => {
    throw new ContainerNotRunning(wordsOf(cause), { cause });
  });
  let said = Buffer.alloc(0);
  const sink = writeTo((chunk) => {
    said = Buffer.from(Buffer.concat([said, chunk]).subarray(-keptOutput));
  });
  docker.modem.demuxStream(log, sink, sink);
  let code: number | undefined;
  const removed = byItself ? exitOf(container, 'removed') : undefined;
  removed?.catch(() => undefined);
  try {
    await container.start();
  } catch (cause) {
    throw new ContainerNotRunning(wordsOf(cause), { cause });
  }
  // Not before the start: until then it is not running either.
  const ended = (removed ?? exitOf(container, 'not-running')).then(
    async (status) => {
      code = status;
      await finished(log, { writable: false, signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
      return undefined;
    },
    () => undefined,
  );
  return {
    ended,
    failure: () => {
      const text = said.toString('utf8').trim();
      return new ContainerNotRunning(
        `the ENTRYPOINT of ${image} ended with status code ${code ?? 'unknown'} instead of running its arguments (sleep infinity)${text === '' ? '' : `; its last output: ${text}`}`,
      );
    },
  };
}

async function exitOf(container: Docker.Container, condition: 'removed' | 'not-running'): Promise<number> {
  const { StatusCode: code } = (await container.wait({ condition })) as { readonly StatusCode: number };
  return code;
}

/** `exec bash -c COMMAND`, as the image's user. @returns its exit code */
async function execute(
  docker: Docker,
  container: Docker.Container,
  spec: ContainerSpec,
  output: (chunk: Buffer) => void,
): Promise<number> {
  const exec = await container.exec({
    Cmd: ['bash', '-c', spec.command],
    AttachStdout: true,
    AttachStderr: true,
    WorkingDir: spec.workingDirectory,
  });
  const log = await exec.start({ hijack: true, stdin: false });
  const sink = writeTo(output);
  docker.modem.demuxStream(log, sink, sink);
  await finished(log, { writable: false }).catch(() => undefined);
  const { ExitCode: code } = await exec.inspect();
  if (code === null) throw new Error('the command ended without an exit code');
  return code;
}

const writeTo = (take: (chunk: Buffer) => void): Writable =>
  new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      take(chunk);
      done();
    },
  });

/** No network, no capabilities, no new privileges, no unlimited anything; the job's folders are all it sees of this machine. */
const containerOptions = (spec: ContainerSpec, autoRemove: boolean): Docker.ContainerCreateOptions => ({
  Image: spec.image,
  Cmd: ['sleep', 'infinity'],
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
export async function removeContainer(container: Docker.Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
    if (status !== 404 && status !== 409) throw error;
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
