import { chmodSync, cpSync, mkdtempSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Descriptor, ManifestContent } from '../../src/domain/descriptor.ts';
import { hexOf, parseDigest } from '../../src/domain/digest.ts';
import { annotations } from '../../src/domain/media-types.ts';
import { quarantineOf } from '../../src/domain/names.ts';
import { temporaryFolder } from './identities.ts';
import type { MemoryLocks } from './memory-locks.ts';
import type { MemoryRegistry } from './memory-registry.ts';

/** What version 0.1.0 left behind; see its README. Nothing writes there. */
export const goldenDirectory = path.resolve(import.meta.dirname, '../golden/0.1.0');

let folder: string | undefined;
const home = (): string => (folder ??= temporaryFolder('golden'));

let kept: string | undefined;

/** One copy for the whole process, of what no step writes to. */
export function goldenInputs(): string {
  if (kept !== undefined) return kept;
  kept = path.join(home(), 'inputs');
  for (const name of ['advisories', 'keys', 'manifests', 'releases', 'workspace']) copy(name, kept);
  return kept;
}

/** A machine of the outside: a copy of the golden store and cache, or nothing yet. */
export function goldenMachine(isNew: boolean): { readonly store: string; readonly cache: string } {
  const machine = mkdtempSync(path.join(home(), 'machine-'));
  if (!isNew) for (const name of ['store', 'cache']) copy(name, machine);
  return { store: path.join(machine, 'store'), cache: path.join(machine, 'cache') };
}

/** Git keeps neither the permissions that build keys cover nor those of keys. */
function copy(name: string, into: string): void {
  const target = path.join(into, name);
  cpSync(path.join(goldenDirectory, name), target, { recursive: true });
  for (const entry of readdirSync(target, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(target, entry);
    const plain = statSync(file).isDirectory() ? 0o755 : 0o644;
    chmodSync(file, name === 'keys' ? 0o600 : plain);
  }
}

interface Layout {
  readonly blobs: readonly Uint8Array[];
  readonly manifests: readonly { readonly content: ManifestContent; readonly tag: string | undefined }[];
}

const layouts = new Map<string, Layout>();

/** Fills a repository from the OCI image layout of that name. */
export function loadLayout(registry: MemoryRegistry, side: string, repository: string): void {
  const directory = path.join(goldenDirectory, 'registries', side, repository);
  const layout = layouts.get(directory) ?? readLayout(directory);
  layouts.set(directory, layout);
  for (const bytes of layout.blobs) registry.putBlob(repository, bytes);
  for (const { content, tag } of layout.manifests) registry.putManifest(repository, content, tag);
}

/** Manifests as index.json lists them, every other blob as a blob. */
function readLayout(directory: string): Layout {
  const read = (hex: string): Uint8Array => readFileSync(path.join(directory, 'blobs/sha256', hex));
  const index = JSON.parse(readFileSync(path.join(directory, 'index.json'), 'utf8')) as {
    readonly manifests: readonly Descriptor[];
  };
  const listed = new Set(index.manifests.map(({ digest }) => hexOf(digest)));
  return {
    blobs: readdirSync(path.join(directory, 'blobs/sha256'))
      .filter((hex) => !listed.has(hex))
      .map(read),
    manifests: index.manifests.map(({ mediaType, digest, size, annotations: marks }) => ({
      content: { descriptor: { mediaType, digest, size }, bytes: read(hexOf(digest)) },
      tag: marks?.[annotations.refName],
    })),
  };
}

/** Locks what was locked inside: lines `repository@digest` and `repository:tag`. */
export async function loadLocks(locks: MemoryLocks): Promise<void> {
  const list = readFileSync(path.join(goldenDirectory, 'registries/inside/locked.txt'), 'utf8');
  for (const line of list.trim().split('\n')) {
    const [, repository = '', mark, reference = ''] = /^([^:@]+)([:@])(.+)$/.exec(line) ?? [];
    if (mark === '@') await locks.lockManifest(repository, parseDigest(reference));
    else await locks.lockTag(repository, reference);
  }
}

/** Everything that a registry shows: manifests, tags with what they name, locks. */
export async function stateOf(
  registry: MemoryRegistry,
  repositories: readonly string[],
  locks: MemoryLocks,
): Promise<unknown> {
  const names = repositories.flatMap((name) => [name, quarantineOf(name)]);
  const shown = names.map(async (name) => {
    const repository = registry.repository(name);
    const tags = (await repository.tags()).map(
      async (tag) => `${tag} ${(await repository.resolve(tag))?.digest ?? ''}`,
    );
    return { name, tags: await Promise.all(tags), manifests: [...registry.manifests(name)].sort() };
  });
  return { repositories: await Promise.all(shown), locked: [...locks.locked].sort() };
}
