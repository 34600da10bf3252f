import { mkdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { connectEngine } from '../src/adapters/docker/engine.ts';
import type { EnginePlaces } from '../src/domain/engine-address.ts';
import { enginePlaces } from '../src/domain/engine-address.ts';
import { AmlpromoteError } from '../src/domain/errors.ts';
import { startPrivateEngine } from './private-engine.ts';
import { aptInstall, findProgram, isDebianRoot } from './system.ts';

export interface EngineOptions {
  /** What is made is kept below it, for the next time. */
  readonly workDir: string;
  readonly log: (line: string) => void;
  /** May install docker.io from the distribution (root on Debian or Ubuntu). */
  readonly install: boolean;
}

export interface AvailableEngine {
  /** As in `DOCKER_HOST`. */
  readonly host: string;
  readonly kind: 'found' | 'private';
  /** Stops a private engine; leaves one that was found alone. */
  stop(): Promise<void>;
}

/**
 * A Docker-compatible engine for demo and tests: the one of `DOCKER_HOST`, else whichever answers at the usual sockets
 * (Docker's, rootless, Podman's), else, for root, a private `dockerd` with everything of its own below `workDir`.
 * Undefined, and said why, when there is none to be had.
 */
export async function ensureEngine(options: EngineOptions): Promise<AvailableEngine | undefined> {
  const { log } = options;
  const { host: named } = places();
  const found = await probe();
  if (found !== undefined) return useFound(found, log);
  if (named) {
    log(`no engine answers at DOCKER_HOST=${named}`);
    return undefined;
  }
  if (process.getuid?.() !== 0) {
    log('no container engine answers at the usual sockets, and only root can start one');
    return undefined;
  }
  if ((await findProgram('dockerd')) === undefined) {
    if (!options.install || !(await isDebianRoot())) {
      log('no container engine is installed; install Docker or Podman, or say where one is: DOCKER_HOST');
      return undefined;
    }
    log('no container engine is installed: docker.io is installed from the distribution now');
    if (!(await aptInstall(['docker.io'], log))) return undefined;
    // Where systemd runs, the package has just started the system's own daemon.
    const started = await probe(existsSync('/run/systemd/system') ? 20 : 0);
    if (started !== undefined) return useFound(started, log);
  }
  await mkdir(options.workDir, { recursive: true });
  return startPrivateEngine(options);
}

function useFound(host: string, log: (line: string) => void): AvailableEngine {
  log(`using the container engine at ${host}`);
  return { host, kind: 'found', stop: () => Promise.resolve() };
}

const places = (): EnginePlaces => enginePlaces(process.env, os.homedir());

/** Address of the first engine that answers; tries again for some seconds where one may be starting. */
async function probe(seconds = 0): Promise<string | undefined> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    try {
      return (await connectEngine(places())).address;
    } catch (error) {
      if (!(error instanceof AmlpromoteError)) throw error;
      if (performance.now() >= deadline) return undefined;
      await delay(500);
    }
  }
}
