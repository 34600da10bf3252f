import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { ExecutionContext } from 'ava';
import type * as z from 'zod';
import { outputSchemas } from '../../src/cli/outputs.ts';
import { writeSandboxFiles } from '../../src/cli/sandbox-setup.ts';
import type { Digest } from '../../src/domain/digest.ts';
import type { RunningSandbox } from '../../sandbox/index.ts';
import type { SandboxEvent } from '../../sandbox/events.ts';
import { startSandbox } from '../../sandbox/index.ts';
import { noEngine } from './aml-sandbox.ts';
import { runCommand } from './command-line.ts';
import type { EnvironmentChanges, Outcome } from './command-line.ts';
import { temporaryFolder } from './identities.ts';
import { debian12, writeLayout } from './oci-layout.ts';
import type { LayerFiles } from './oci-layout.ts';

export type Schema = keyof typeof outputSchemas;
export type Output<S extends Schema> = z.infer<(typeof outputSchemas)[S]>;

export interface ImageOptions {
  readonly version?: string;
  readonly release?: number;
  readonly repository?: string;
  /** Files of the last layer: another text is another image. */
  readonly files?: LayerFiles;
  readonly packages?: Readonly<Record<string, string>>;
  /** Lines at the end of the manifest. */
  readonly more?: string;
}

export interface TestImage {
  /** The image manifest. */
  readonly file: string;
  readonly digest: Digest;
}

/** What `amlpromote sandbox start` leaves: two zones behind real TLS, with keys, policies and the fixture database. */
export interface TwoZones {
  readonly directory: string;
  readonly sandbox: RunningSandbox;
  /** Of both sides, of one. */
  readonly zones: { readonly both: string; readonly outside: string; readonly inside: string };
  /** The local store of the commands. */
  readonly store: string;
  /** Writes a layout with an image and a manifest that names it. */
  image(name: string, options?: ImageOptions): TestImage;
  /** A path in a folder of its own. */
  file(name: string): string;
  /** Runs a command over both sides' zones unless `--zones` is given; nothing that it prints may hold a secret. */
  run(t: ExecutionContext, argv: readonly string[], changes?: EnvironmentChanges): Promise<Outcome>;
  /** The same with `--json`: exit code 0 unless told, and one document of that schema. */
  json<S extends Schema>(
    t: ExecutionContext,
    schema: S,
    argv: readonly string[],
    options?: { readonly exitCode?: number; readonly env?: EnvironmentChanges },
  ): Promise<Output<S>>;
  /** An error in both forms: the same exit code, and under `--json` the document of the contract. */
  refused(
    t: ExecutionContext,
    argv: readonly string[],
    expected: { readonly exitCode: number; readonly code: string; readonly message?: RegExp },
    changes?: EnvironmentChanges,
  ): Promise<Output<'error'>['error']>;
  /** Requests answered so far, but for token requests if `method` is given: of that method. */
  requests(filter?: { readonly host?: RegExp; readonly path?: RegExp; readonly method?: string }): number;
  close(): Promise<void>;
}

/** For `test.before`; `close` in `test.after.always`. No engine: jobs do not run unless a test plays the compute. */
export async function startTwoZones(): Promise<TwoZones> {
  const home = temporaryFolder('zones');
  const directory = path.join(home, 'sandbox');
  const sandbox = await startSandbox({ dir: directory, engineHost: noEngine });
  const seen: SandboxEvent[] = [];
  sandbox.events.subscribe((event) => void seen.push(event));
  await writeSandboxFiles(directory);
  const zones = {
    both: path.join(directory, 'zones.yaml'),
    outside: path.join(directory, 'outside/zones.yaml'),
    inside: path.join(directory, 'inside/zones.yaml'),
  };
  const store = path.join(home, 'store');
  const secrets = ['outside/token', 'inside/token', 'outside/key.pem', 'inside/key.pem'].map((name) =>
    readFileSync(path.join(directory, name), 'utf8').trim(),
  );
  const environment: EnvironmentChanges = {
    AMLPROMOTE_ZONES: zones.both,
    AMLPROMOTE_STORE: store,
    AMLPROMOTE_CACHE: path.join(home, 'cache'),
    XDG_STATE_HOME: path.join(home, 'state'),
    AMLPROMOTE_POLICY: undefined,
    AMLPROMOTE_KEY: undefined,
    AMLPROMOTE_CERTIFICATE: undefined,
    AMLPROMOTE_DATABASE: undefined,
    DOCKER_HOST: noEngine,
    HTTPS_PROXY: undefined,
    https_proxy: undefined,
  };
  const world: TwoZones = {
    directory,
    sandbox,
    zones,
    store,
    image: (name, options = {}) => writeImage(path.join(home, 'images'), name, options),
    file: (name) => path.join(home, name),
    run: async (t, argv, changes = {}) => {
      const outcome = await runCommand(argv, { ...environment, ...changes });
      assertNoSecrets(t, outcome, secrets);
      return outcome;
    },
    json: async (t, schema, argv, { exitCode = 0, env = {} } = {}) => {
      const outcome = await world.run(t, [...argv, '--json'], env);
      t.is(outcome.exitCode, exitCode, outcome.stdout);
      return parsed(t, schema, outcome.stdout);
    },
    refused: async (t, argv, expected, changes = {}) => {
      const told = await world.run(t, argv, changes);
      t.is(told.exitCode, expected.exitCode, told.stderr);
      t.is(told.stdout, '');
      t.true(told.stderr.includes(`(${expected.code})`), told.stderr);
      const { error } = await world.json(t, 'error', argv, { exitCode: expected.exitCode, env: changes });
      t.is(error.code, expected.code);
      t.not(error.nextSteps.length, 0, `${error.code}: ${error.message} leaves the reader alone`);
      if (expected.message) t.regex(error.message, expected.message);
      return error;
    },
    requests: ({ host = /./, path: wanted = /./, method } = {}) =>
      seen.filter(
        (event) =>
          host.test(event.host) && wanted.test(event.path) && (method ?? event.method) === event.method,
      ).length,
    close: async () => {
      await sandbox.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
  return world;
}

function writeImage(folder: string, name: string, options: ImageOptions): TestImage {
  const { version = '1.4.0', release, repository = `ml/${name}`, files = {}, packages, more = '' } = options;
  mkdirSync(folder, { recursive: true });
  const layout = `${name}-layout`;
  const { digest } = writeLayout(path.join(folder, layout), [
    debian12(packages),
    { 'app/name.txt': name, ...files },
  ]);
  const file = path.join(folder, `${name}.yaml`);
  const lines = [
    'apiVersion: amlpromote/v1',
    'kind: Image',
    `name: ${name}`,
    `version: ${version}`,
    ...(release === undefined ? [] : [`release: ${release}`]),
    `repository: ${repository}`,
    `source: { image: "oci:./${layout}@${digest}" }`,
    'environment: { description: a test, tags: { team: churn } }',
    more,
  ];
  writeFileSync(file, lines.join('\n'));
  return { file, digest };
}

/** Exactly one JSON document and nothing else, of the published schema; unknown members would be a gap in the schema. */
function parsed<S extends Schema>(t: ExecutionContext, schema: S, stdout: string): Output<S> {
  const document = JSON.parse(stdout) as unknown;
  const result = outputSchemas[schema].safeParse(document);
  t.is(result.error, undefined, stdout);
  // Zod drops what a schema does not name: then the schema does not describe the output.
  t.deepEqual(result.data, document as typeof result.data);
  return result.data as Output<S>;
}

/** Tokens and keys of the sides, and anything that looks like a token. */
function assertNoSecrets(t: ExecutionContext, { stdout, stderr }: Outcome, secrets: readonly string[]): void {
  const text = stripVTControlCharacters(`${stdout}\n${stderr}`);
  for (const secret of secrets) t.false(text.includes(secret), 'a secret was printed');
  t.notRegex(text, /eyJ[\w-]{8,}\.[\w-]+/, 'something like a token was printed');
  t.notRegex(text, /PRIVATE KEY/);
}
