import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findTool } from './tools.ts';

/** Debian's `docker-registry` (distribution 2.8): a real registry without a referrers API. */
export interface DockerRegistry {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface DockerRegistryOptions {
  /** Where the content lies; default: a temporary directory that goes with the registry. */
  readonly directory?: string;
  readonly tls?: { readonly certificate: string; readonly key: string };
}

const program = findTool('docker-registry');

export const hasDockerRegistry = program !== undefined;

/** It does not take port 0: a free port is looked up, and another one when somebody was faster. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  for (let attempt = 1; ; attempt += 1) {
    const started = await tryStart(options, await freePort());
    if (started) return started;
    if (attempt === 5) throw new Error('docker-registry does not start');
  }
}

async function tryStart(options: DockerRegistryOptions, port: number): Promise<DockerRegistry | undefined> {
  const work = await mkdtemp(path.join(tmpdir(), 'amlpromote-registry-'));
  const config = path.join(work, 'config.yaml');
  await writeFile(config, configuration(options, port, path.join(work, 'content')));
  const child = spawn(program ?? 'docker-registry', ['serve', config], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = async (): Promise<void> => {
    child.kill();
    await ended;
    await rm(work, { recursive: true, force: true });
  };
  if (child.pid === undefined || !(await answers(child, port))) {
    await stop();
    return undefined;
  }
  return { host: `127.0.0.1:${String(port)}`, port, pid: child.pid, stop };
}

const configuration = (options: DockerRegistryOptions, port: number, fallback: string): string =>
  JSON.stringify({
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: options.directory ?? fallback },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: {
      addr: `127.0.0.1:${String(port)}`,
      ...(options.tls ? { tls: { certificate: options.tls.certificate, key: options.tls.key } } : {}),
    },
  });

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Until it accepts connections, or is gone. There is no event to wait for, so the port is asked. */
async function answers(child: ChildProcess, port: number): Promise<boolean> {
  for (let attempt = 0; attempt < 200 && !hasEnded(child); attempt += 1) {
    if (await accepts(port)) return !hasEnded(child);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return false;
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;
