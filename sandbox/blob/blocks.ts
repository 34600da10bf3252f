import { Readable } from 'node:stream';
import type { BlobProperties, BlobRecord, BlobStore, Received } from './store.ts';

/** Blocks that were put but not yet committed, by container, blob and block id. Lost at a restart, as after the service's week. */
export interface Blocks {
  stage(container: string, name: string, id: string, received: Received): void;
  /** Uncommitted block ids with sizes, in the order they came. */
  staged(container: string, name: string): ReadonlyMap<string, Received>;
  /** Joins the blocks in the order of the list; undefined when one is unknown. Blocks left over are dropped. */
  commit(
    container: string,
    name: string,
    ids: readonly string[],
    properties: BlobProperties,
  ): Promise<BlobRecord | undefined>;
}

export function openBlocks(store: BlobStore): Blocks {
  const waiting = new Map<string, Map<string, Received>>();
  const keyOf = (container: string, name: string): string => `${container}/${name}`;
  const of = (container: string, name: string): Map<string, Received> =>
    waiting.get(keyOf(container, name)) ?? new Map<string, Received>();
  return {
    stage(container, name, id, received) {
      const blocks = of(container, name);
      const before = blocks.get(id);
      if (before) store.discard(container, before);
      waiting.set(keyOf(container, name), blocks.set(id, received));
    },
    staged: of,
    async commit(container, name, ids, properties) {
      const blocks = of(container, name);
      const chosen = ids.map((id) => blocks.get(id));
      if (!chosen.every((block) => block !== undefined)) return undefined;
      const whole = await store.receive(container, Readable.from(contents(store, container, chosen)));
      // A blob of several blocks has no MD5 of its own.
      const record = store.commit(container, name, { ...whole, md5: '' }, properties);
      waiting.delete(keyOf(container, name));
      for (const block of blocks.values()) store.discard(container, block);
      return record;
    },
  };
}

async function* contents(
  store: BlobStore,
  container: string,
  blocks: readonly Received[],
): AsyncGenerator<Buffer> {
  for (const block of blocks) yield* (await store.readReceived(container, block)) as AsyncIterable<Buffer>;
}
