import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import type * as z from 'zod';
import { openDocker } from '../../src/adapters/docker/engine.ts';
import { outputSchemas } from '../../src/cli/outputs.ts';
import type { SandboxEvent } from '../../sandbox/events.ts';
import type { Fault } from '../../sandbox/faults.ts';
import type { SandboxDescription } from '../../sandbox/files.ts';
import { noEngine, until } from '../support/aml-sandbox.ts';
import { temporaryFolder } from '../support/identities.ts';
import { writeImage, writeLayoutImage } from './image.ts';
import type { ImageOptions } from './image.ts';
import type { Command, Ended } from './process.ts';
import { startCommand } from './process.ts';

type Schema = keyof typeof outputSchemas;
type Output<S extends Schema> = z.infer<(typeof outputSchemas)[S]>;

/** Two zones in a process of their own; each command that crosses them in another one. Only files pass between them. */
export interface World {
  readonly sandbox: SandboxDescription;
  /** Of all images that this world builds, so that the engine can be rid of them. */
  readonly flavour: string;
  /** A path in a folder of this world alone. */
  file(name: string): string;
  /** Writes what is to be promoted, and its manifest: a build context, or without an engine an image that exists. */
  image(name: string, options?: Omit<ImageOptions, 'flavour'>): void;
  /** `promote --outside`: release.json becomes `NAME.release.json`. */
  outside(name: string): readonly string[];
  /** `promote --inside NAME.release.json`, with nothing else of the outside. */
  inside(name: string): readonly string[];
  start(argv: readonly string[]): Command;
  /** To its end, which must have this exit code and print this document alone; exit code 0 unless told. */
  run<S extends Schema>(
    t: ExecutionContext,
    schema: S,
    argv: readonly string[],
    exitCode?: number,
  ): Promise<{ readonly document: Output<S>; readonly stderr: string }>;
  /** Ends the command when stderr has that line and, if one is given, the sandbox has answered such a request meanwhile. */
  killAt(
    t: ExecutionContext,
    argv: readonly string[],
    line: RegExp,
    signal: 'SIGINT' | 'SIGKILL',
    request?: { readonly method?: string; readonly path: RegExp },
  ): Promise<Ended>;
  /** From now on these things, and no others, go wrong in the sandbox. */
  faults(faults: readonly Fault[]): void;
  close(): Promise<void>;
}

/** For `test.before`, with what `DOCKER_HOST` says or no engine at all; `close` in `test.after.always`. */
export async function startWorld(engineHost: string | undefined): Promise<World> {
  const home = temporaryFolder('e2e');
  const directory = path.join(home, 'sandbox');
  const flavour = randomUUID();
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    AMLPROMOTE_CACHE: path.join(home, 'cache'),
    XDG_STATE_HOME: path.join(home, 'state'),
    DOCKER_HOST: engineHost ?? noEngine,
    // Sixteen processes that each strip the same types would take a third of the time.
    NODE_COMPILE_CACHE: path.join(home, 'compile-cache'),
  };
  const start = (argv: readonly string[]): Command => startCommand(argv, { cwd: home, env });
  const sideOf = (side: 'outside' | 'inside'): readonly string[] => [
    ...['--zones', path.join(directory, side, 'zones.yaml')],
    ...['--store', path.join(home, `${side}-store`)],
    '--json',
  ];
  const file = (name: string): string => path.join(home, name);
  const started = await start(['sandbox', 'start', '--dir', directory, '--detach', '--json']).ended;
  if (started.exitCode !== 0)
    throw new Error(`the sandbox did not start: ${started.stdout}${started.stderr}`);
  return {
    sandbox: JSON.parse(readFileSync(path.join(directory, 'sandbox.json'), 'utf8')) as SandboxDescription,
    flavour,
    file,
    image: (name, options = {}) => {
      if (engineHost === undefined) writeLayoutImage(home, name);
      else writeImage(home, name, { ...options, flavour });
    },
    outside: (name) => [
      ...['promote', file(`${name}.yaml`), '--outside', '--out', file(`${name}.release.json`)],
      ...sideOf('outside'),
    ],
    inside: (name) => ['promote', '--inside', file(`${name}.release.json`), ...sideOf('inside')],
    start,
    run: async (t, schema, argv, exitCode = 0) => {
      const ended = await start(argv).ended;
      t.is(ended.exitCode, exitCode, `${ended.stderr}\n${ended.stdout}`);
      return { document: parse(schema, ended.stdout), stderr: ended.stderr };
    },
    killAt: async (t, argv, line, signal, request) => {
      const seen = request && answered(directory, request);
      const command = start(argv);
      const found = await command.line(line);
      if (seen) await Promise.race([command.ended, seen()]);
      command.kill(signal);
      const ended = await command.ended;
      t.not(found, undefined, `never printed ${String(line)}:\n${ended.stderr}\n${ended.stdout}`);
      return ended;
    },
    faults: (faults) => {
      // The sandbox reads it at each request: never half of it.
      writeFileSync(file('faults.json'), JSON.stringify(faults));
      renameSync(file('faults.json'), path.join(directory, 'faults.json'));
    },
    close: async () => {
      await start(['sandbox', 'stop', '--dir', directory]).ended;
      if (engineHost !== undefined) await removeImages(engineHost, flavour);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** From now on: what it gives waits for a request that the sandbox had not answered before. */
function answered(
  directory: string,
  { method, path: wanted }: { readonly method?: string; readonly path: RegExp },
): () => Promise<true> {
  const log = path.join(directory, 'state/events.jsonl');
  const count = (): number =>
    readFileSync(log, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as SandboxEvent)
      .filter((event) => wanted.test(event.path) && event.method === (method ?? event.method)).length;
  const before = count();
  return () => until(() => (count() > before ? true : undefined));
}

/** Exactly one JSON document, and nothing in it that the published schema does not name. */
function parse<S extends Schema>(schema: S, stdout: string): Output<S> {
  return outputSchemas[schema].parse(JSON.parse(stdout)) as Output<S>;
}

/** What was built, and what the compute pulled: the developer's own engine stays as it was. */
async function removeImages(engineHost: string, flavour: string): Promise<void> {
  const docker = await openDocker(engineHost, undefined);
  const images = await docker.listImages({ filters: { label: [`dev.amlpromote.test=${flavour}`] } });
  for (const { Id: id } of images)
    await docker
      .getImage(id)
      .remove({ force: true })
      .catch(() => undefined);
}
