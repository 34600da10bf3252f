import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from './files.ts';
import type { BlobFiles } from './blobs.ts';
import { openBlobFiles } from './blobs.ts';
import type { RepositoryData } from './repository.ts';
import { Repository, unlocked } from './repository.ts';
import type { Uploads } from './uploads.ts';
import { openUploads } from './uploads.ts';

/** One registry's content on disk: bytes by digest, repositories that show them, uploads under way. */
export interface RegistryStore {
  readonly blobs: BlobFiles;
  readonly uploads: Uploads;
  /** Names in order. */
  repositories(): string[];
  repository(name: string): Repository | undefined;
  /** Made when it does not exist, as the first push does. */
  ensure(name: string): Repository;
  /** Forgets a repository; the bytes stay, other repositories may show them. */
  remove(name: string): void;
}

export function openRegistryStore(directory: string, clock: { now(): Date }): RegistryStore {
  const folder = join(directory, 'repositories');
  mkdirSync(folder, { recursive: true });
  const now = (): string => clock.now().toISOString();
  const fileOf = (name: string): string => join(folder, `${encodeURIComponent(name)}.json`);
  const open = (data: RepositoryData): Repository =>
    new Repository(
      data,
      (changed) => {
        writeJson(fileOf(changed.name), changed);
      },
      now,
    );
  const known = new Map<string, Repository>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    const data = readJson(join(folder, file)) as RepositoryData | undefined;
    if (data) known.set(data.name, open(data));
  }
  const create = (name: string): Repository => {
    const time = { createdTime: now(), lastUpdateTime: now() };
    const repository = open({ name, ...time, attributes: unlocked, blobs: {}, manifests: {}, tags: {} });
    known.set(name, repository);
    return repository;
  };
  return {
    blobs: openBlobFiles(directory),
    uploads: openUploads(join(directory, 'uploads')),
    repositories: () =>
      [...known.keys()]
        .filter((name) => Object.keys(known.get(name)?.data.manifests ?? {}).length > 0)
        .sort(),
    repository: (name) => known.get(name),
    ensure: (name) => known.get(name) ?? create(name),
    remove: (name) => {
      known.delete(name);
      rmSync(fileOf(name), { force: true });
    },
  };
}
