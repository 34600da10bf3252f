import { join, posix } from 'node:path';
import { decodeText } from '../../dockerfile/decode.ts';
import { readDockerfile, settleReading } from '../../dockerfile/read.ts';
import { atLine } from '../../dockerfile/unreadable.ts';
import type { Digest } from '../../domain/digest.ts';
import { hexOf, isDigest, parseDigest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { readInput, whyUnreadable } from '../../files/read-input.ts';
import { formatPlatform } from '../../domain/platform.ts';
import { withoutTag } from '../../domain/reference.ts';
import { sha256 } from '../../domain/sha256.ts';
import { canonicalBytes } from '../../json/canonical.ts';
import type { BuildSource } from '../../manifest/image.ts';
import type { Engine, EngineImage, EngineInspectOptions } from '../../ports/engine.ts';
import { basesOf } from './bases.ts';
import type { BuildContext } from './context.ts';
import { readContext } from './context.ts';
import type { FileDigestsOptions } from './file-digests.ts';
import { openFileDigests, unremembered } from './file-digests.ts';
import { countedArgs, frontendsOf, refuseTriggers, refuseUngiven } from './inputs.ts';

export interface Base {
  /** As the Dockerfile names it, variables replaced. */
  readonly name: string;
  readonly role: 'root' | 'copy';
  /** Of the manifest or index where the engine knows it, else the id of the image in the engine. */
  readonly digest: Digest;
  /** True for a digest that a registry knows it by. */
  readonly published: boolean;
  /** What the engine had when it was asked for the digest; undefined for a base whose digest the Dockerfile names. */
  readonly seen: EngineImage | undefined;
}

/** Everything that decides what a build gives. */
export interface Recipe {
  readonly context: BuildContext;
  readonly bases: readonly Base[];
  /** What the image itself stands on; undefined for `scratch`. */
  readonly base: Base | undefined;
  /** Names of `bases` that a stage begins with. */
  readonly begun: readonly string[];
  /** Images that read the Dockerfile. */
  readonly frontends: readonly string[];
  /** Of the manifest's arguments, those that count. */
  readonly args: Readonly<Record<string, string>>;
  readonly needsBuildKit: boolean;
  /** sha256 hex over all that decides. */
  readonly key: string;
}

export interface RecipePorts {
  readonly engine: () => Promise<Pick<Engine, 'inspect' | 'version'>>;
  readonly onLog: (line: string) => void;
  /** Where digests of the context's files are remembered. */
  readonly cache?: FileDigestsOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Raised when the meaning of the key changes, so that no old key matches by accident. The key is published, and covers the
 * values of all arguments (another value is another image): whoever has the same context can try values against it. That is
 * one more reason why no argument is a place for a secret.
 */
const keyVersion = 1;

/**
 * Reads context and Dockerfile and asks the engine for the bases (which it pulls if it has to).
 * @throws MANIFEST_INVALID; UNSUPPORTED for what the engine would build otherwise than asked; NOT_FOUND, UNREACHABLE,
 * FORBIDDEN for a base; ENGINE_UNREACHABLE
 */
export async function readRecipe(
  source: BuildSource,
  { engine, onLog, cache, signal }: RecipePorts,
): Promise<Recipe> {
  const file = join(source.context, source.dockerfile);
  const digests = cache ? await openFileDigests(source.context, cache) : unremembered(source.context);
  const stillReading = setInterval(() => {
    onLog(
      `reading the build context ${source.context}: ${String(digests.read)} files, ${String(Math.round(digests.bytes / 1e6))} MB so far`,
    );
  }, 10_000);
  const [context, { text, digest }] = await Promise.all([
    readContext(source.context, source.dockerfile, { digests, signal }),
    readText(file),
  ]).finally(() => {
    clearInterval(stillReading);
  });
  requireSent(context, source.dockerfile, digest);
  const reading = readDockerfile(text, file);
  if (reading.conflict) {
    const { hereDocuments = 'unknown' } = await (await engine()).version();
    settleReading(reading, hereDocuments, file);
  }
  const { dockerfile } = reading;
  const { target, platform } = source;
  const names = basesOf(dockerfile, { args: source.args, target, platform, file });
  refuseUngiven(names, file);
  const args = countedArgs(source.args, dockerfile);
  const bases: Base[] = [];
  for (const name of names.all) bases.push(await resolveBase(name));
  const key = sha256(
    canonicalBytes({
      version: keyVersion,
      context: context.digest,
      dockerfile: { path: source.dockerfile, digest: sha256(text) },
      args,
      target,
      platform: formatPlatform(platform),
      bases: bases.map(({ name, digest }) => ({ name, digest })),
    }),
  );
  return {
    context,
    bases,
    base: bases.find(({ role }) => role === 'root'),
    begun: names.begun,
    frontends: frontendsOf(dockerfile, source.args),
    args,
    needsBuildKit: dockerfile.needsBuildKit,
    key: hexOf(key),
  };

  async function resolveBase(name: string): Promise<Base> {
    const role = name === names.root ? 'root' : 'copy';
    const pinned = pinnedDigest(name);
    if (pinned !== undefined) return { name, role, digest: pinned, published: true, seen: undefined };
    const seen = await inspectBase(await engine(), name, {
      platform,
      exactPlatform: role === 'root',
      onLog,
      signal,
    });
    if (names.begun.includes(name)) refuseTriggers(seen.onBuild, name);
    const repository = withoutTag(name);
    const published = seen.repoDigests
      .filter((reference) => reference.startsWith(`${repository}@`))
      .map((reference) => reference.slice(repository.length + 1))
      .find(isDigest);
    const digest = published ?? parseDigest(seen.id, `the engine's id of ${name}`);
    return { name, role, digest, published: published !== undefined, seen };
  }
}

/** The digest in `name@sha256:…`. */
export function pinnedDigest(name: string): Digest | undefined {
  const digest = name.slice(name.lastIndexOf('@') + 1);
  return isDigest(digest) ? digest : undefined;
}

/**
 * A base as the engine has it, pulled if it has to be.
 * @throws NOT_FOUND, UNREACHABLE, FORBIDDEN
 */
export async function inspectBase(
  engine: Pick<Engine, 'inspect'>,
  name: string,
  { signal, ...options }: Omit<EngineInspectOptions, 'signal'> & { readonly signal: AbortSignal | undefined },
): Promise<EngineImage> {
  const image = await engine.inspect(name, {
    ...options,
    pull: true,
    triggers: true,
    signal,
  });
  if (image) return image;
  throw new AmlpromoteError('NOT_FOUND', `the engine does not have the base image ${name}`, {
    nextSteps: [`Get it (docker pull ${name}), or name another one in the Dockerfile.`],
  });
}

const maxDockerfileBytes = 1024 * 1024;

async function readText(file: string): Promise<{ readonly text: string; readonly digest: Digest }> {
  let bytes: Uint8Array;
  try {
    bytes = await readInput(file, maxDockerfileBytes);
  } catch (cause) {
    throw new AmlpromoteError('MANIFEST_INVALID', `${file}: ${whyUnreadable(cause)}`, {
      cause,
      nextSteps: ['Check source.build.context and source.build.dockerfile in the image manifest.'],
    });
  }
  return { text: atLine(file, () => decodeText(bytes)), digest: sha256(bytes) };
}

/**
 * What is read here must be what the engine reads: it looks the path up inside the context, where a link leads elsewhere.
 * @throws MANIFEST_INVALID
 */
function requireSent(context: BuildContext, dockerfile: string, digest: Digest): void {
  const path = posix.normalize(dockerfile);
  const sent = context.entries.find((entry) => entry.path === path);
  if (sent?.type === 'file' && sent.digest === digest) return;
  throw new AmlpromoteError(
    'MANIFEST_INVALID',
    sent?.type === 'file'
      ? `${join(context.directory, path)} changed while it was read`
      : `${join(context.directory, path)} is not a file of the build context, but behind a symbolic link or outside of it`,
    {
      nextSteps: [
        sent?.type === 'file'
          ? 'Run again when nothing writes there.'
          : 'Put the Dockerfile itself into the context: the engine would follow the link to another file.',
      ],
    },
  );
}
