import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectEngine } from '../src/adapters/docker/engine.ts';
import { AmlpromoteError } from '../src/domain/errors.ts';
import { selfIdentity, stateOf, parseIdentity } from '../src/oci/store/process.ts';
import type { AvailableEngine, EngineOptions } from './engine.ts';

/** Seconds that a daemon may take to answer, and to stop. */
const startTimeout = 90;
const stopTimeout = 20;

/** Unix sockets have at most 107 characters; containerd's is the longest below the run directory. */
const longestSocket = 'exec/containerd/containerd-debug.sock';

/**
 * Starts `dockerd` beside whatever else runs on the machine: own socket, data, state, pid file and containerd namespaces,
 * no bridge and no firewall rules. Containers have no network, which is all that builds and jobs of the samples need.
 * Of several runs at once each gets a daemon of its own; one that a killed run left behind is taken over.
 */
export async function startPrivateEngine(options: EngineOptions): Promise<AvailableEngine | undefined> {
  for (let number = 1; number <= 8; number += 1) {
    const place = path.join(options.workDir, number === 1 ? 'engine' : `engine-${String(number)}`);
    await mkdir(path.join(place, 'data'), { recursive: true });
    if (!(await claim(place))) continue;
    return (await adopt(place, options)) ?? (await start(place, options));
  }
  options.log('eight private engines are in use already');
  return undefined;
}

/** One run at a time uses a place: its owner is on record, and a dead owner's place is free. */
async function claim(place: string): Promise<boolean> {
  const file = path.join(place, 'owner.json');
  const write = async (): Promise<boolean> => {
    try {
      await writeFile(file, JSON.stringify(selfIdentity()), { flag: 'wx' });
      return true;
    } catch {
      return false;
    }
  };
  if (await write()) return true;
  const owner = parseIdentity(JSON.parse(await readFile(file, 'utf8').catch(() => 'null')) as unknown);
  if (owner && stateOf(owner) !== 'gone') return false;
  await rm(file, { force: true });
  return write();
}

const release = (place: string): Promise<void> => rm(path.join(place, 'owner.json'), { force: true });

/** A daemon whose run was killed: it still answers. */
async function adopt(place: string, { log }: EngineOptions): Promise<AvailableEngine | undefined> {
  const record = await readFile(path.join(place, 'daemon.json'), 'utf8').catch(() => undefined);
  if (record === undefined) return undefined;
  const { pid, run } = JSON.parse(record) as { pid: number; run: string };
  const host = socketOf(run);
  if (!(await isDockerd(pid)) || !(await answers(host))) {
    if (await isDockerd(pid)) process.kill(pid, 'SIGKILL');
    return undefined;
  }
  log('using the private engine that an earlier run left behind');
  const stop = async (): Promise<void> => {
    process.kill(pid, 'SIGTERM');
    const deadline = performance.now() + stopTimeout * 1000;
    while ((await isDockerd(pid)) && performance.now() < deadline) await delay(100);
    if (await isDockerd(pid)) process.kill(pid, 'SIGKILL');
    await cleanUp(place, run);
  };
  return { host, kind: 'private', stop };
}

async function start(place: string, { log }: EngineOptions): Promise<AvailableEngine | undefined> {
  const run = await runDirectory(place);
  const logFile = path.join(place, 'dockerd.log');
  const output = await open(logFile, 'w');
  const namespace = `amlpromote-${path.basename(run)}-${String(process.pid)}`;
  log('starting a private container engine (dockerd)');
  // A session of its own: Ctrl-C is for this process, which stops the daemon when nothing needs it any more.
  const child = spawn(
    'dockerd',
    [
      ...[
        '--host',
        socketOf(run),
        '--data-root',
        path.join(place, 'data'),
        '--exec-root',
        path.join(run, 'exec'),
      ],
      ...['--pidfile', path.join(run, 'dockerd.pid'), '--log-level', 'warn'],
      ...['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false'],
      ...['--containerd-namespace', namespace, '--containerd-plugins-namespace', `${namespace}-plugins`],
    ],
    {
      stdio: ['ignore', output.fd, output.fd],
      detached: true,
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` },
    },
  );
  await output.close();
  const onExit = (): void => void child.kill('SIGTERM');
  process.once('exit', onExit);
  if (await becomesReady(child, socketOf(run))) {
    await writeFile(path.join(place, 'daemon.json'), JSON.stringify({ pid: child.pid, run }));
    child.unref();
    const stop = async (): Promise<void> => {
      process.removeListener('exit', onExit);
      await end(child);
      await cleanUp(place, run);
    };
    return { host: socketOf(run), kind: 'private', stop };
  }
  process.removeListener('exit', onExit);
  await end(child);
  await cleanUp(place, run);
  const tail = (await readFile(logFile, 'utf8').catch(() => '')).trim().split('\n').slice(-5);
  log(['the private engine did not start:', ...tail].join('\n  '));
  return undefined;
}

const socketOf = (run: string): string => `unix://${path.join(run, 'docker.sock')}`;

async function runDirectory(place: string): Promise<string> {
  const own = path.join(place, 'run');
  if (path.join(own, longestSocket).length > 107) return mkdtemp(path.join(os.tmpdir(), 'amlpromote-'));
  // Sockets and pid files of a daemon that is gone.
  await rm(own, { recursive: true, force: true });
  await mkdir(own, { recursive: true });
  return own;
}

async function becomesReady(child: ChildProcess, host: string): Promise<boolean> {
  const exited = once(child, 'exit').then(
    () => true,
    () => true,
  );
  const deadline = performance.now() + startTimeout * 1000;
  while (performance.now() < deadline) {
    if (await answers(host)) return true;
    if (await Promise.race([exited, delay(150, false)])) return false;
  }
  return false;
}

async function answers(host: string): Promise<boolean> {
  try {
    await connectEngine({ hosts: [host] });
    return true;
  } catch (error) {
    if (error instanceof AmlpromoteError) return false;
    throw error;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.ref();
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await Promise.race([exited, delay(stopTimeout * 1000, undefined, { ref: false })]);
  child.kill('SIGKILL');
}

async function cleanUp(place: string, run: string): Promise<void> {
  // A mount that the daemon left is not ours to fail on; the next start cleans again.
  await rm(run, { recursive: true, force: true }).catch(() => undefined);
  await rm(path.join(place, 'daemon.json'), { force: true });
  await release(place);
}

/** The pid may be another program's by now. */
async function isDockerd(pid: number): Promise<boolean> {
  const command = await readFile(`/proc/${String(pid)}/comm`, 'utf8').catch(() => '');
  return command.trim() === 'dockerd';
}
