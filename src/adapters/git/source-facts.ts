import type { SourceFacts } from '../../ports/source.ts';

export interface GitOptions {
  /** `PATH` to find git with; the system's default otherwise. */
  readonly path?: string | undefined;
  /** `HOME`, for the user's own git configuration (`safe.directory`). */
  readonly home?: string | undefined;
}

/** Milliseconds; a repository on a dead network drive must not stop a build. */
const timeout = 20_000;

/**
 * Commit, state and origin of the working tree around a directory, from the `git` program. It runs with an environment of
 * its own, so that no GIT_* variable of a hook or a CI job points it elsewhere, and with the options of a repository that
 * would run programs switched off. Never fails: without git there are no facts, and the provenance says none.
 */
export function gitSourceFacts(options: GitOptions = {}): SourceFacts {
  return async (directory) => {
    const { execa } = await import('execa');
    const git = async (...args: readonly string[]): Promise<string | undefined> => {
      const result = await execa('git', ['-c', 'core.fsmonitor=false', '-C', directory, ...args], {
        env: {
          ...(options.path === undefined ? {} : { PATH: options.path }),
          ...(options.home === undefined ? {} : { HOME: options.home }),
          GIT_OPTIONAL_LOCKS: '0',
          GIT_TERMINAL_PROMPT: '0',
          LC_ALL: 'C',
        },
        extendEnv: false,
        reject: false,
        stdin: 'ignore',
        timeout,
        maxBuffer: 16 * 1024 * 1024,
      });
      return result.failed && !result.isMaxBuffer ? undefined : result.stdout;
    };
    const commit = await git('rev-parse', '--verify', 'HEAD');
    if (commit === undefined || !/^[0-9a-f]{40,64}$/.test(commit)) return undefined;
    const status = await git('status', '--porcelain', '--untracked-files=normal', '--', '.');
    if (status === undefined) return undefined;
    const origin = withoutCredentials((await git('remote', 'get-url', 'origin')) ?? '');
    return { commit, dirty: status !== '', ...(origin === undefined ? {} : { repository: origin }) };
  };
}

/** URLs may carry tokens; a local path says nothing to others. Undefined for what is no remote repository. */
export function withoutCredentials(origin: string): string | undefined {
  const scp = /^(?:[^@/\s]+@)?([a-zA-Z0-9.-]{2,}):(?!\/\/)([^\s:\\]+)$/.exec(origin);
  if (scp) return `ssh://${scp[1] ?? ''}/${scp[2] ?? ''}`;
  if (!URL.canParse(origin)) return undefined;
  const url = new URL(origin);
  if (!['https:', 'http:', 'ssh:', 'git:'].includes(url.protocol)) return undefined;
  return `${url.protocol}//${url.host}${url.pathname}`;
}
