import { constants, createWriteStream } from 'node:fs';
import { chmod, mkdir, open, readdir } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { BlobPlace } from '../aml/uris.ts';
import type { BlobRecord, BlobStore } from '../blob/store.ts';

/** A folder that a container may read, and write into when told so, whoever it runs as. */
export async function makeFolder(path: string, mode: 0o755 | 0o777): Promise<void> {
  await mkdir(path, { recursive: true });
  // Explicitly: the mode of mkdir is cut by the umask.
  await chmod(path, mode);
}

/** Copies one blob to `folder`; the file's name, or undefined when there is no such blob. */
export async function fetchFile(
  store: BlobStore,
  place: BlobPlace,
  folder: string,
): Promise<string | undefined> {
  const blob = store.get(place.container, place.path);
  if (!blob) return undefined;
  const name = basename(place.path);
  await fetch(store, place.container, blob, join(folder, name));
  return name;
}

/** Copies all blobs below a path to `folder`; how many there were. */
export async function fetchFolder(store: BlobStore, place: BlobPlace, folder: string): Promise<number> {
  const prefix = place.path === '' || place.path.endsWith('/') ? place.path : `${place.path}/`;
  if (!store.hasContainer(place.container)) return 0;
  const blobs = store
    .all(place.container)
    .filter(({ name }) => name.startsWith(prefix) && name !== prefix && !name.endsWith('/'));
  for (const blob of blobs) {
    const path = join(folder, blob.name.slice(prefix.length));
    await makeFolder(dirname(path), 0o755);
    await fetch(store, place.container, blob, path);
  }
  return blobs.length;
}

async function fetch(store: BlobStore, container: string, blob: BlobRecord, path: string): Promise<void> {
  const source = await store.read(container, blob, 0, blob.size - 1);
  await pipeline(source, createWriteStream(path, { flags: 'wx', mode: 0o644 }));
}

/**
 * Stores what a command left in `folder` below `place`. Regular files only: a link that the command made could point at
 * anything on this machine. @returns the relative paths that were left out
 */
export async function storeFolder(store: BlobStore, folder: string, place: BlobPlace): Promise<string[]> {
  const skipped: string[] = [];
  const visit = async (relative: string): Promise<void> => {
    for (const entry of await readdir(join(folder, relative), { withFileTypes: true })) {
      const path = posix.join(relative, entry.name);
      if (entry.isDirectory()) await visit(path);
      else if (entry.isFile())
        await storeFile(store, join(folder, path), { ...place, path: posix.join(place.path, path) });
      else skipped.push(path);
    }
  };
  await visit('');
  return skipped;
}

/** @throws Error when it is no regular file */
export async function storeFile(store: BlobStore, path: string, place: BlobPlace): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if (!(await file.stat()).isFile()) {
    await file.close();
    throw new Error(`${basename(path)} is not a regular file`);
  }
  const received = await store.receive(place.container, file.createReadStream());
  store.commit(place.container, place.path, received, {});
}
