import { join } from 'node:path';
import { isDigest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { readInput, whyUnreadable } from '../../files/read-input.ts';
import { formatPlatform } from '../../domain/platform.ts';
import { sha256 } from '../../domain/sha256.ts';
import { hexOf } from '../../domain/digest.ts';
import { canonicalBytes } from '../../json/canonical.ts';
import type { BuildSource } from '../../manifest/image.ts';
import type { Engine } from '../../ports/engine.ts';
import { basesOf } from './bases.ts';
import type { BuildContext } from './context.ts';
import { readContext } from './context.ts';
import { parseDockerfile } from './dockerfile.ts';

export interface Base {
  /** As the Dockerfile names it, variables replaced. */
  readonly name: string;
  /** Of the manifest or index where the engine knows it, else the id of the image in the engine. */
  readonly digest: string;
  /** True for a digest that a registry knows it by. */
  readonly published: boolean;
}

/** Everything that decides what a build gives. */
export interface Recipe {
  readonly context: BuildContext;
  readonly bases: readonly Base[];
  /** What the image itself stands on. */
  readonly base: Base | undefined;
  readonly needsBuildKit: boolean;
  /** sha256 hex over all of it. */
  readonly key: string;
}

/** Raised when the meaning of the key changes, so that no old key matches by accident. */
const keyVersion = 1;

/**
 * Reads context and Dockerfile and asks the engine for the bases (which it pulls if it has to).
 * @throws MANIFEST_INVALID; NOT_FOUND, UNREACHABLE, FORBIDDEN for a base; ENGINE_UNREACHABLE
 */
export async function readRecipe(
  source: BuildSource,
  engine: () => Promise<Engine>,
  onLog: (line: string) => void,
  signal?: AbortSignal,
): Promise<Recipe> {
  const file = join(source.context, source.dockerfile);
  const [context, text] = await Promise.all([
    readContext(source.context, source.dockerfile),
    readDockerfile(file),
  ]);
  const dockerfile = parseDockerfile(text);
  const { args, target, platform } = source;
  const names = basesOf(dockerfile, { args, target, platform, file });
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
    base: bases.find(({ name }) => name === names.root),
    needsBuildKit: dockerfile.needsBuildKit,
    key: hexOf(key),
  };

  async function resolveBase(name: string): Promise<Base> {
    const pinned = name.slice(name.lastIndexOf('@') + 1);
    if (isDigest(pinned)) return { name, digest: pinned, published: true };
    const image = await (
      await engine()
    ).inspect(name, { pull: true, platform, onLog, ...(signal ? { signal } : {}) });
    if (!image) {
      throw new AmlpromoteError('NOT_FOUND', `the engine does not have the base image ${name}`, {
        nextSteps: [`Get it (docker pull ${name}), or name another one in ${file}.`],
      });
    }
    const repository = name.replace(/:[^/]*$/, '');
    const published = image.repoDigests
      .filter((reference) => reference.startsWith(`${repository}@`))
      .map((reference) => reference.slice(repository.length + 1))
      .find(isDigest);
    return { name, digest: published ?? image.id, published: published !== undefined };
  }
}

const maxDockerfileBytes = 1024 * 1024;

async function readDockerfile(file: string): Promise<string> {
  try {
    return (await readInput(file, maxDockerfileBytes)).toString('utf8');
  } catch (cause) {
    throw new AmlpromoteError('MANIFEST_INVALID', `${file}: ${whyUnreadable(cause)}`, {
      cause,
      nextSteps: ['Check source.build.context and source.build.dockerfile in the image manifest.'],
    });
  }
}
