import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { EnginePlaces } from '../domain/engine-address.ts';
import { enginePlaces } from '../domain/engine-address.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { parseDuration } from '../manifest/units.ts';

/** What flags can say; every one of them can also stand in the environment as AMLPROMOTE_<NAME>. Flag > environment > default. */
export interface SettingFlags {
  readonly zones?: string | undefined;
  readonly policy?: string | undefined;
  readonly key?: string | undefined;
  readonly certificate?: string | undefined;
  readonly database?: string | undefined;
  readonly store?: string | undefined;
}

export type Side = 'outside' | 'inside';

/** Everything that comes from flags and the environment, as absolute paths. This module is the only reader of the environment. */
export interface Settings {
  readonly zones: string;
  readonly store: string;
  readonly cache: string;
  /**
   * What only this machine and user may know, remember or write: `$XDG_STATE_HOME/amlpromote`; never a path that a CI system keeps
   * for other runs.
   */
  readonly stateDirectory: string;
  readonly database: string;
  readonly policy: (side: Side) => string;
  readonly key: (side: Side) => string;
  readonly certificate: (side: Side) => string;
  /** True when a policy or key was named: a two-sided promote refuses that, for it would be the wrong one for one side. */
  readonly namesPolicyOrKey: boolean;
  /** Where the container engine is, or may be. */
  readonly engine: EnginePlaces;
  readonly proxy: { readonly httpsProxy?: string; readonly noProxy?: string };
  /** Where programs are found, and whose configuration they read. */
  readonly programs: { readonly path?: string; readonly home: string };
  /** Who or what runs this, as the machine knows it: a CI run, or user@host. */
  readonly identity: string;
  /** Seconds; reproducible builds. */
  readonly sourceDateEpoch?: number;
  /** How long one server-side import may run. */
  readonly importTimeoutSeconds?: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** @throws USAGE for a variable that does not say what it should */
export function readSettings(
  flags: SettingFlags,
  env: Environment = process.env,
  cwd: string = process.cwd(),
): Settings {
  const choose = (flag: string | undefined, name: string): string | undefined =>
    given(flag) ?? given(env[`AMLPROMOTE_${name}`]);
  const absolute = (file: string): string => path.resolve(cwd, file);
  const zones = absolute(choose(flags.zones, 'ZONES') ?? 'zones.yaml');
  const directory = path.dirname(zones);
  const named = (flag: string | undefined, name: string, file: string) => (side: Side) => {
    const chosen = choose(flag, name);
    return chosen === undefined ? besideZones(directory, side, file) : absolute(chosen);
  };
  const database = choose(flags.database, 'DATABASE');
  const home = given(env['HOME']) ?? os.homedir();
  const httpsProxy = given(env['HTTPS_PROXY']) ?? given(env['https_proxy']);
  const noProxy = given(env['NO_PROXY']) ?? given(env['no_proxy']);
  return {
    zones,
    store: absolute(
      choose(flags.store, 'STORE') ??
        path.join(given(env['XDG_DATA_HOME']) ?? path.join(home, '.local/share'), 'amlpromote/store'),
    ),
    cache: absolute(
      given(env['AMLPROMOTE_CACHE']) ??
        path.join(given(env['XDG_CACHE_HOME']) ?? path.join(home, '.cache'), 'amlpromote'),
    ),
    stateDirectory: path.join(stateHome(env) ?? path.join(home, '.local/state'), 'amlpromote'),
    database:
      database === undefined
        ? firstThatExists([path.join(directory, 'db'), path.join(directory, '../db')])
        : absolute(database),
    policy: named(flags.policy, 'POLICY', 'policy.yaml'),
    key: named(flags.key, 'KEY', 'key.pem'),
    certificate: named(flags.certificate, 'CERTIFICATE', 'cert.pem'),
    namesPolicyOrKey: ['POLICY', 'KEY', 'CERTIFICATE'].some(
      (name) =>
        choose({ POLICY: flags.policy, KEY: flags.key, CERTIFICATE: flags.certificate }[name], name) !==
        undefined,
    ),
    engine: enginePlaces(env, home),
    proxy: { ...(httpsProxy ? { httpsProxy } : {}), ...(noProxy ? { noProxy } : {}) },
    programs: { ...(env['PATH'] === undefined ? {} : { path: env['PATH'] }), home },
    identity: identityOf(env),
    ...numberOf(env, 'SOURCE_DATE_EPOCH', 'sourceDateEpoch', {
      parse: (text) => (/^\d{1,12}$/.test(text) ? Number(text) : undefined),
      wanted: 'seconds since 1970, like 1767225600',
    }),
    ...numberOf(env, 'AMLPROMOTE_IMPORT_TIMEOUT', 'importTimeoutSeconds', {
      parse: parseDuration,
      wanted: 'a number with a unit, like 90s, 45m or 2h',
    }),
  };
}

/** For a program that is run on the user's behalf: his whole environment, and the shell he uses. */
export const readShellSettings = (
  env: Environment = process.env,
): { readonly environment: Environment; readonly shell: string } => ({
  environment: env,
  shell: given(env['SHELL']) ?? '/bin/sh',
});

/** https://no-color.org: any non-empty value switches colour off. */
export const wantsColor = (isTerminal: boolean, env: Environment = process.env): boolean =>
  canDraw(isTerminal, env) && given(env['NO_COLOR']) === undefined;

/** A dumb terminal (an editor's, a recorder's) shows control sequences as text: no colour, and no line that is drawn again. */
export const canDraw = (isTerminal: boolean, env: Environment = process.env): boolean =>
  isTerminal && env['TERM'] !== 'dumb';

const given = (value: string | undefined): string | undefined =>
  value === undefined || value === '' ? undefined : value;

/** XDG base directory specification 0.8: a path that is not absolute is ignored. */
function stateHome(env: Environment): string | undefined {
  const directory = given(env['XDG_STATE_HOME']);
  return directory !== undefined && path.isAbsolute(directory) ? directory : undefined;
}

/** A number that stands in the environment, or nothing. */
function numberOf<K extends string>(
  env: Environment,
  name: string,
  key: K,
  { parse, wanted }: { readonly parse: (text: string) => number | undefined; readonly wanted: string },
): Partial<Record<K, number>> {
  const text = given(env[name]);
  if (text === undefined) return {};
  const value = parse(text);
  if (value !== undefined) return { [key]: value } as Record<K, number>;
  throw new AmlpromoteError('USAGE', `${name} is ${JSON.stringify(text.slice(0, 100))}; it wants ${wanted}`, {
    nextSteps: [`Correct ${name} in the environment, or unset it.`],
  });
}

/** `DIR/zones.yaml` knows both sides: `DIR/outside/policy.yaml`. `DIR/outside/zones.yaml` knows one: `DIR/outside/policy.yaml`. */
function besideZones(directory: string, side: Side, file: string): string {
  const own = path.join(directory, file);
  const nested = path.join(directory, side, file);
  if (existsSync(nested)) return nested;
  // A side's own folder that lacks one file is missing that one, not a folder of the same name in it.
  const isOneSide =
    !existsSync(path.join(directory, side)) && existsSync(path.join(directory, 'policy.yaml'));
  return existsSync(own) || isOneSide ? own : nested;
}

const firstThatExists = (files: readonly [string, ...string[]]): string =>
  files.find((file) => existsSync(file)) ?? files[0];

function identityOf(env: Environment): string {
  const github = given(env['GITHUB_SERVER_URL']);
  if (github && given(env['GITHUB_RUN_ID']))
    return `${github}/${env['GITHUB_REPOSITORY'] ?? ''}/actions/runs/${env['GITHUB_RUN_ID'] ?? ''}`;
  const azure = given(env['BUILD_BUILDURI']) ? given(env['SYSTEM_COLLECTIONURI']) : undefined;
  if (azure)
    return `${azure}${env['SYSTEM_TEAMPROJECT'] ?? ''}/_build/results?buildId=${env['BUILD_BUILDID'] ?? ''}`;
  return `${os.userInfo().username}@${os.hostname()}`;
}
