import type { AmlpromoteError } from '../../domain/errors.ts';
import { decodeName } from './names.ts';
import type { PaxRecords } from './pax.ts';
import { parsePax } from './pax.ts';
import { blockSize, cString, invalid, readHeader } from './tar-header.ts';
import type { TarHeader } from './tar-header.ts';
import type { TarEntry } from './tar-member.ts';
import { globalMember, memberOf } from './tar-member.ts';

export type { TarEntry } from './tar-member.ts';

export interface TarSink {
  /** True when `content` shall be called with the entry's bytes. */
  entry(entry: TarEntry): boolean;
  content(entry: TarEntry, bytes: Uint8Array): void;
}

/** Long names and extended headers; the limit of Go's archive/tar. */
const maxExtendedBytes = 1024 * 1024;

/**
 * Reads a tar archive **as container runtimes read it**, that is as Go's archive/tar does (threat 23). General libraries
 * differ where an attacker wants them to: they read on behind the end-of-archive marker, skip data behind links that have
 * none, apply pax global headers, or take half of a malformed extended header. A file that only one of the two readers
 * sees is a file that the scanner misses. Where runtimes may disagree among each other, the archive is refused.
 * Methods throw CONTENT_INVALID.
 */
export class TarReader {
  readonly #sink: TarSink;
  readonly #partial = Buffer.alloc(blockSize);
  #partialLength = 0;
  /** Bytes of content, then of the padding behind it, that nobody wants. */
  #skip = 0;
  #padding = 0;
  #collecting:
    { readonly chunks: Uint8Array[]; left: number; readonly done: (bytes: Buffer) => void } | undefined;
  #pax: PaxRecords | undefined;
  #longName: string | undefined;
  #longLink: string | undefined;
  #zeroBlocks = 0;
  #sparseExtension: TarEntry | undefined;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  write(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#collecting) at += this.#collect(chunk, at);
      else if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#skip -= step;
        at += step;
      } else if (this.#padding > 0) {
        const step = Math.min(this.#padding, chunk.length - at);
        this.#padding -= step;
        at += step;
      } else if (this.#partialLength === 0 && chunk.length - at >= blockSize) {
        this.#block(Buffer.from(chunk.buffer, chunk.byteOffset + at, blockSize));
        at += blockSize;
      } else {
        const step = Math.min(blockSize - this.#partialLength, chunk.length - at);
        this.#partial.set(chunk.subarray(at, at + step), this.#partialLength);
        this.#partialLength += step;
        at += step;
        if (this.#partialLength === blockSize) {
          this.#partialLength = 0;
          this.#block(this.#partial);
        }
      }
    }
  }

  /**
   * The archive's bytes are over: fine between two entries, and within the padding of the last one (runtimes insist neither
   * on the marker nor on padding), else truncated.
   */
  end(): void {
    if (this.#collecting || this.#skip > 0 || this.#sparseExtension)
      throw invalid('truncated within an entry');
    if (this.#zeroBlocks >= 2) {
      if (this.#partial.subarray(0, this.#partialLength).some((byte) => byte !== 0)) throw trailing();
    } else if (this.#partialLength > 0) throw invalid('truncated within a header');
  }

  #collect(chunk: Uint8Array, at: number): number {
    const collecting = this.#collecting;
    if (!collecting) return 0;
    const step = Math.min(collecting.left, chunk.length - at);
    // A copy: decompressors reuse their buffers, and a slice would keep a whole chunk alive.
    if (step > 0) collecting.chunks.push(Buffer.from(chunk.subarray(at, at + step)));
    collecting.left -= step;
    if (collecting.left === 0) {
      this.#collecting = undefined;
      collecting.done(Buffer.concat(collecting.chunks));
    }
    return step;
  }

  #block(block: Buffer): void {
    if (this.#sparseExtension) {
      this.#sparseBlock(block, this.#sparseExtension);
      return;
    }
    const zero = block[0] === 0 && block.every((byte) => byte === 0);
    if (this.#zeroBlocks >= 2) {
      if (!zero) throw trailing();
      return;
    }
    if (zero) {
      this.#zeroBlocks += 1;
      return;
    }
    if (this.#zeroBlocks === 1) throw invalid('an entry behind a zero block');
    this.#header(block);
  }

  #header(block: Buffer): void {
    const header = readHeader(block);
    const { flag } = header;
    if (flag === 'x' || flag === 'g') {
      // Runtimes forget what an extended header before a global one had said.
      if (flag === 'g' && this.#pending)
        throw invalid('a pax global header between an extended header and its entry');
      this.#extended(header, (bytes) => {
        const records = parsePax(bytes);
        if (flag === 'x') this.#pax = records;
        else this.#sink.entry(globalMember(header, records));
      });
    } else if (flag === 'L') {
      this.#extended(header, (bytes) => (this.#longName = decodeName(cString(bytes))));
    } else if (flag === 'K') {
      this.#extended(header, (bytes) => (this.#longLink = decodeName(cString(bytes))));
    } else this.#entry(block, header);
  }

  get #pending(): boolean {
    return this.#pax !== undefined || this.#longName !== undefined || this.#longLink !== undefined;
  }

  #extended({ size }: TarHeader, done: (bytes: Buffer) => void): void {
    if (size < 0) throw invalid('a negative size');
    if (size > maxExtendedBytes) throw invalid(`an extended header of ${String(size)} bytes`);
    this.#take(size, done);
  }

  #entry(block: Buffer, header: TarHeader): void {
    const entry = memberOf(header, { pax: this.#pax, name: this.#longName, link: this.#longLink });
    this.#pax = this.#longName = this.#longLink = undefined;
    // Old GNU sparse files have more header blocks before their content (tar(5), "extended sparse header").
    if (header.flag === 'S' && block[482] !== 0) this.#sparseExtension = entry;
    else this.#begin(entry);
  }

  #sparseBlock(block: Buffer, entry: TarEntry): void {
    if (block[504] !== 0) return;
    this.#sparseExtension = undefined;
    this.#begin(entry);
  }

  #begin(entry: TarEntry): void {
    if (this.#sink.entry(entry)) this.#take(entry.size, (bytes) => this.#sink.content(entry, bytes));
    else {
      this.#skip = entry.size;
      this.#padding = padding(entry.size);
    }
  }

  #take(size: number, done: (bytes: Buffer) => void): void {
    const finish = (bytes: Buffer): void => {
      this.#padding = padding(size);
      done(bytes);
    };
    if (size === 0) finish(Buffer.alloc(0));
    else this.#collecting = { chunks: [], left: size, done: finish };
  }
}

const padding = (size: number): number => (blockSize - (size % blockSize)) % blockSize;

const trailing = (): AmlpromoteError => invalid('data behind the end of the archive');
