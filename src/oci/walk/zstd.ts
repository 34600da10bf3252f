import { AmlpromoteError } from '../../domain/errors.ts';

type State =
  'magic' | 'skip-size' | 'descriptor' | 'frame-header' | 'block-header' | 'payload' | 'checksum' | 'skip';

/**
 * Finds where a zstd frame ends (RFC 8878 §3.1), without decompressing. `node:zlib` stops at the end of the first frame and
 * drops the rest without an error, but layers may consist of many (zstd:chunked does, and so does parallel zstd).
 */
export class ZstdFrames {
  #state: State = 'magic';
  #need = 4;
  #have = 0;
  readonly #field = Buffer.alloc(18);
  #checksum = false;
  #lastBlock = false;

  /** True between two frames: the only place where the stream may end. */
  get atBoundary(): boolean {
    return this.#state === 'magic' && this.#have === 0;
  }

  /**
   * Takes bytes up to the end of the current data frame at most. `feed` is what a decompressor shall get of them: skippable
   * frames are left out.
   * @throws CONTENT_INVALID
   */
  take(chunk: Uint8Array): {
    readonly taken: number;
    readonly feed: readonly Uint8Array[];
    readonly ended: boolean;
  } {
    const feed: Uint8Array[] = [];
    let at = 0;
    let from = this.#isData ? 0 : -1;
    while (at < chunk.length) {
      const step = Math.min(this.#need - this.#have, chunk.length - at);
      if (this.#need <= this.#field.length) this.#field.set(chunk.subarray(at, at + step), this.#have);
      this.#have += step;
      at += step;
      while (this.#have === this.#need) {
        const wasMagic = this.#state === 'magic';
        const ended = this.#advance();
        if (wasMagic && this.#isData) {
          feed.push(Buffer.from(this.#field.subarray(0, 4)));
          from = at;
        }
        if (ended) return { taken: at, feed: [...feed, chunk.subarray(from, at)], ended };
      }
    }
    if (from >= 0 && from < at) feed.push(chunk.subarray(from, at));
    return { taken: at, feed, ended: false };
  }

  get #isData(): boolean {
    return this.#state !== 'magic' && this.#state !== 'skip-size' && this.#state !== 'skip';
  }

  /** Enters the next state; true when a data frame has ended. */
  #advance(): boolean {
    switch (this.#state) {
      case 'magic': {
        const magic = this.#field.readUInt32LE(0);
        if (magic >>> 4 === 0x184d2a5) return this.#enter('skip-size', 4);
        if (magic !== 0xfd2fb528) throw invalid('something else than a frame');
        return this.#enter('descriptor', 1);
      }
      case 'skip-size': {
        const size = this.#field.readUInt32LE(0);
        return size === 0 ? this.#enter('magic', 4) : this.#enter('skip', size);
      }
      case 'skip':
        return this.#enter('magic', 4);
      case 'descriptor': {
        const descriptor = this.#field[0] ?? 0;
        this.#checksum = (descriptor & 4) !== 0;
        const single = (descriptor & 32) !== 0;
        const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
        const size = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
        return this.#enter('frame-header', (single ? 0 : 1) + dictionary + size);
      }
      case 'frame-header':
        return this.#enter('block-header', 3);
      case 'block-header': {
        const header = this.#field.readUIntLE(0, 3);
        this.#lastBlock = (header & 1) === 1;
        const type = (header >> 1) & 3;
        if (type === 3) throw invalid('a reserved block type');
        return this.#enter('payload', type === 1 ? 1 : header >> 3);
      }
      case 'payload':
        if (!this.#lastBlock) return this.#enter('block-header', 3);
        return this.#checksum ? this.#enter('checksum', 4) : this.#end();
      case 'checksum':
        return this.#end();
    }
  }

  #enter(state: State, need: number): false {
    this.#state = state;
    this.#need = need;
    this.#have = 0;
    return false;
  }

  #end(): true {
    this.#enter('magic', 4);
    return true;
  }
}

const invalid = (what: string): AmlpromoteError =>
  new AmlpromoteError('CONTENT_INVALID', `zstd stream: ${what}`);
