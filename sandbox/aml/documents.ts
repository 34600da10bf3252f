import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from '../store/files.ts';

/**
 * Small JSON documents of one kind, one file each, written through at once: what was answered survives `kill -9`.
 * Synchronous on purpose: a change is on disk before the response that tells of it, and no two changes interleave.
 */
export interface Documents<T> {
  get(key: string): T | undefined;
  put(key: string, document: T): void;
  /** @returns false when there was none */
  remove(key: string): boolean;
  /** In order of key. */
  values(): T[];
}

export function openDocuments<T>(directory: string): Documents<T> {
  mkdirSync(directory, { recursive: true });
  const documents = new Map<string, T>();
  for (const file of readdirSync(directory)) {
    if (!file.endsWith('.json')) continue;
    // Written by `put` below and by nobody else, hence trusted in shape.
    const entry = readJson(join(directory, file)) as { key: string; document: T } | undefined;
    if (entry) documents.set(entry.key, entry.document);
  }
  return {
    get: (key) => documents.get(key),
    put(key, document) {
      writeJson(join(directory, `${encodeURIComponent(key)}.json`), { key, document });
      documents.set(key, document);
    },
    remove(key) {
      rmSync(join(directory, `${encodeURIComponent(key)}.json`), { force: true });
      return documents.delete(key);
    },
    values: () => [...documents.keys()].sort().flatMap((key) => documents.get(key) ?? []),
  };
}
