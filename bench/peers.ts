import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import path from 'node:path';

/** One end of a copy as peers name it. */
export type End =
  | {
      readonly kind: 'registry';
      readonly host: string;
      readonly repository: string;
      readonly tag: string;
      readonly tls: boolean;
    }
  | { readonly kind: 'layout'; readonly directory: string; readonly tag: string };

export interface Peer {
  readonly name: string;
  readonly version: string;
  /** argv, or undefined when the tool cannot do this. */
  command(from: End, to: End): readonly string[] | undefined;
}

const name = (end: End & { kind: 'registry' }): string => `${end.host}/${end.repository}:${end.tag}`;

const definitions: readonly (Omit<Peer, 'version'> & { readonly versionArguments: readonly string[] })[] = [
  {
    name: 'skopeo',
    versionArguments: ['--version'],
    command(from, to) {
      const write = (end: End): string =>
        end.kind === 'registry' ? `docker://${name(end)}` : `oci:${end.directory}:${end.tag}`;
      const flags = ['--insecure-policy', 'copy', '--quiet', '--preserve-digests'];
      if (from.kind === 'registry') flags.push('--src-tls-verify=false');
      if (to.kind === 'registry') flags.push('--dest-tls-verify=false');
      return ['skopeo', ...flags, write(from), write(to)];
    },
  },
  {
    name: 'crane',
    versionArguments: ['version'],
    command(from, to) {
      if (from.kind === 'layout') {
        return to.kind === 'layout' ? undefined : ['crane', 'push', '--insecure', from.directory, name(to)];
      }
      if (to.kind === 'layout')
        return ['crane', 'pull', '--insecure', '--format=oci', name(from), to.directory];
      return ['crane', 'copy', '--insecure', name(from), name(to)];
    },
  },
  {
    name: 'oras',
    versionArguments: ['version'],
    command(from, to) {
      const side = (end: End, which: 'from' | 'to'): readonly string[] => {
        if (end.kind === 'layout') return [`--${which}-oci-layout`];
        return [end.tls ? `--${which}-insecure` : `--${which}-plain-http`];
      };
      const write = (end: End): string =>
        end.kind === 'registry' ? name(end) : `${end.directory}:${end.tag}`;
      return ['oras', 'cp', '--no-tty', ...side(from, 'from'), ...side(to, 'to'), write(from), write(to)];
    },
  },
  {
    name: 'regctl',
    versionArguments: ['version'],
    command(from, to) {
      const hosts = [from, to].flatMap((end) =>
        end.kind === 'registry' ? ['--host', `reg=${end.host},tls=${end.tls ? 'insecure' : 'disabled'}`] : [],
      );
      const write = (end: End): string =>
        end.kind === 'registry' ? name(end) : `ocidir://${end.directory}:${end.tag}`;
      return ['regctl', ...hosts, 'image', 'copy', write(from), write(to)];
    },
  },
];

/** `PATH` with the places where Go installs tools. */
export const searchPath = [process.env.PATH, path.join(homedir(), 'go', 'bin')].join(path.delimiter);

/** The peers that are installed here. */
export function installedPeers(): readonly Peer[] {
  return definitions.flatMap(({ versionArguments, ...peer }) => {
    const result = spawnSync(peer.name, versionArguments, {
      encoding: 'utf8',
      env: { ...process.env, PATH: searchPath },
    });
    if (result.status !== 0) return [];
    const version = /v?\d+\.\d+(?:\.\d+)?[\w.+-]*/.exec(result.stdout)?.[0] ?? 'unknown';
    return [{ ...peer, version }];
  });
}
