import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { TarRecord } from './tar-archive.ts';
import { endOfArchive, paxRecord, tarRecord } from './tar-archive.ts';

/** A generator of numbers that gives the same ones for the same seed (mulberry32). */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 … below `sides`. */
  roll(sides: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  }

  one<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.roll(choices.length)] ?? choices[0];
  }

  chance(oneIn: number): boolean {
    return this.roll(oneIn) === 0;
  }
}

/**
 * An archive as nobody should write it, the same for the same seed: what tar's dialects know (long names, pax, base 256,
 * sparse files, links with sizes …), then damaged or bent at some places, then compressed in one of several ways.
 */
export function mutatedArchive(seed: number): Buffer {
  const dice = new Dice(Math.imul(seed + 1, 0x9e3779b1));
  const records = Array.from({ length: 1 + dice.roll(5) }, () => randomRecord(dice));
  const end = dice.one<Buffer>([
    endOfArchive,
    endOfArchive,
    endOfArchive,
    Buffer.alloc(512),
    Buffer.alloc(0),
  ]);
  let tar: Buffer = Buffer.concat([...records, end]);
  for (let count = dice.one([0, 0, 0, 0, 1, 1, 2]); count > 0; count -= 1) tar = mutate(tar, dice);
  return compress(tar, dice);
}

const names = [
  'a',
  'usr/lib/python3/dist-packages/x.dist-info/METADATA',
  './b',
  '/c',
  'd/',
  'e/.wh.f',
  '',
  'n'.repeat(100),
  'caf\u00e9',
  'a//b',
] as const;
const numberForms = [
  '0000000000\0 ',
  '           7',
  '\0\0\0\0\0\0\0\0\0\x003\0',
  '5 \0 5\0\0\0\0\0\0\0',
  '-0000000001\0',
  '+0000000001\0',
  '00000000009\0',
  '777777777777',
  `\x80${'\0'.repeat(10)}\x05`,
  `\xff${'\xff'.repeat(11)}`,
  `\xff${'\xff'.repeat(10)}\x01`,
  `\x80${'\xff'.repeat(11)}`,
  '\0'.repeat(12),
  ' '.repeat(12),
] as const;
const magics = [
  'ustar\x0000',
  'ustar\0\0\0',
  'ustar  \0',
  'ustar\0 \0',
  'ustar \x0000',
  '',
  'USTAR\x0000',
] as const;

function randomRecord(dice: Dice): Buffer {
  const content = 'x'.repeat(dice.one([0, 1, 3, 511, 512, 513, 1500]));
  const plain: TarRecord = { name: dice.one(names), content, magic: dice.one(magics) };
  switch (dice.roll(26)) {
    case 0:
      return tarRecord({
        ...plain,
        magic: dice.one(magics),
        prefix: dice.one(['some/prefix', '', 'p\u00e9', '12345']),
      });
    case 1:
      return Buffer.concat([longName(dice), tarRecord(plain)]);
    case 2:
      return Buffer.concat([paxRecord(randomPax(dice), dice.one(['x', 'x', 'x', 'g'])), tarRecord(plain)]);
    case 3:
      return tarRecord({
        name: dice.one(names),
        type: dice.one(['1', '2']),
        link: dice.one(['a', '../x', '', 'l'.repeat(100)]),
        size: dice.one([0, 5, 600]),
        magic: plain.magic ?? '',
      });
    case 4:
      return tarRecord({
        name: dice.one(names),
        type: dice.one(['3', '4', '5', '6']),
        size: dice.one([0, 700]),
      });
    case 5:
      return tarRecord({ ...plain, type: dice.one(['\0', '\0', '\0', '7', '7', 'S', 'V', 'D']) });
    case 6:
      return oldSparse(dice);
    case 7:
      return paxSparse(dice);
    case 8:
      return tarRecord({
        ...plain,
        magic: 'ustar\x0000',
        prefix: 'star/prefix',
        patch: (header) => header.write('tar\0', 508, 'latin1'),
      });
    case 9:
      return withSignedSum(tarRecord({ name: 'caf\u00e9', content }));
    case 10:
      return tarRecord({ ...plain, size: dice.one(numberForms) });
    case 11:
      return tarRecord({
        ...plain,
        patch: (header) =>
          header.write(
            dice.one(numberForms),
            dice.one([100, 108, 116, 136, 329, 337, 345, 357, 476, 488]),
            dice.one([8, 12]),
            'latin1',
          ),
      });
    case 12:
      return Buffer.concat([paxRecord(randomPax(dice)), longName(dice), tarRecord(plain)]);
    default:
      return tarRecord(plain);
  }
}

const longName = (dice: Dice): Buffer =>
  tarRecord({
    name: '././@LongLink',
    type: dice.one(['L', 'L', 'K']),
    content: dice.one([`${'long/'.repeat(30)}name\0`, 'short', '\0', 'a\0b', '', 'slash/\0']),
    magic: 'ustar  \0',
  });

function randomPax(dice: Dice): Record<string, string> {
  const all: readonly (readonly [string, string])[] = [
    ['path', dice.one(['pax/path', 'pax/path/', '', 'p'.repeat(200), 'p\u00fc'])],
    ['linkpath', dice.one(['pax/link', ''])],
    ['size', dice.one(['1', '0', '+3', '-1', '', '512', '9999999999999999999', '3 ', '007', '', '1', '3'])],
    ['uid', dice.one(['1', 'x', '', '-5'])],
    ['mtime', dice.one(['1.5', '1.', '.5', '-1.25', '1.5x', '', '1e3'])],
    ['SCHILY.xattr.user.a', dice.one(['b', '', 'b\0c'])],
    ['GNU.sparse.name', dice.one(['sparse/name', '', 'sparse/'])],
    ['GNU.sparse.major', dice.one(['0', '1', '2', ''])],
    ['GNU.sparse.minor', dice.one(['0', '1', ''])],
    ['comment', 'a=b\nc'],
  ];
  return Object.fromEntries(all.filter(() => dice.chance(5)));
}

function oldSparse(dice: Dice): Buffer {
  const extended = dice.roll(3);
  const header = tarRecord({
    name: 'sparse',
    type: 'S',
    size: 512,
    magic: dice.one(['ustar  \0', 'ustar  \0', 'ustar\x0000']),
    patch: (block) => {
      block.write('00000000000\x0000000001000\0', 386, 'latin1');
      block.write('00000004000\0', 483, 'latin1');
      block[482] = extended > 0 ? 1 : 0;
    },
  });
  const extensions = Array.from({ length: extended }, (_, at) => {
    const block = Buffer.alloc(512);
    block[504] = at + 1 < extended ? 1 : 0;
    return block;
  });
  return Buffer.concat([header, ...extensions, Buffer.alloc(512, 's')]);
}

function paxSparse(dice: Dice): Buffer {
  const common = { 'GNU.sparse.name': dice.one(['real/name', '']) };
  const map: Record<string, string> = {
    'GNU.sparse.map': '0,3',
    'GNU.sparse.numblocks': '1',
    'GNU.sparse.size': '10',
  };
  switch (dice.roll(4)) {
    case 0:
      return Buffer.concat([
        paxRecord({ ...common, ...map }),
        tarRecord({ name: 'GNUSparseFile.0/x', content: 'abc' }),
      ]);
    case 1:
      return Buffer.concat([
        paxRecord({ ...common, ...map, 'GNU.sparse.major': '0', 'GNU.sparse.minor': dice.one(['0', '1']) }),
        tarRecord({ name: 'x', content: 'abc' }),
      ]);
    case 2:
      return Buffer.concat([
        paxRecord({
          ...common,
          'GNU.sparse.major': dice.one(['1', '1', '2']),
          'GNU.sparse.minor': '0',
          'GNU.sparse.realsize': '10',
        }),
        tarRecord({ name: 'x', content: `${'1\n0\n3\n'.padEnd(512, '\0')}abc` }),
      ]);
    default:
      return Buffer.concat([
        paxRecord({
          ...common,
          'GNU.sparse.size': '10',
          'GNU.sparse.numblocks': '1',
          'GNU.sparse.offset': '0',
          'GNU.sparse.numbytes': '3',
        }),
        tarRecord({ name: 'x', content: 'abc' }),
      ]);
  }
}

/** As Sun's tar summed: bytes with a sign. */
function withSignedSum(record: Buffer): Buffer {
  const header = record.subarray(0, 512);
  header.write('        ', 148);
  const sum = header.reduce((total, byte) => total + (byte > 127 ? byte - 256 : byte), 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return record;
}

function mutate(tar: Buffer, dice: Dice): Buffer {
  const at = dice.roll(Math.max(tar.length, 1));
  const block = at - (at % 512);
  switch (dice.roll(10)) {
    case 0:
      return tar.subarray(0, at);
    case 1:
      return tar.subarray(0, Math.max(tar.length - 1 - dice.roll(1600), 0));
    case 2:
      return Buffer.concat([tar, Buffer.from(dice.one(['x', '\0', 'garbage'.repeat(100)]))]);
    case 3:
      return Buffer.concat([tar.subarray(0, block), Buffer.alloc(512), tar.subarray(block)]);
    case 4:
      return Buffer.concat([tar.subarray(0, block), tar.subarray(block, block + 512), tar.subarray(block)]);
    case 5:
      return flipped(tar, at, dice);
    default:
      return resummed(flipped(tar, at, dice), block);
  }
}

function flipped(tar: Buffer, at: number, dice: Dice): Buffer {
  const copy = Buffer.from(tar);
  if (at < copy.length)
    copy[at] = dice.one([0, 0x20, 0x2f, 0x30, 0x31, 0x35, 0x37, 0x4c, 0x53, 0x67, 0x78, 0x80, 0xff]);
  return copy;
}

function resummed(tar: Buffer, block: number): Buffer {
  if (block + 512 > tar.length) return tar;
  const header = tar.subarray(block, block + 512);
  header.write('        ', 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return tar;
}

function compress(tar: Buffer, dice: Dice): Buffer {
  const cut = dice.roll(Math.max(tar.length, 1));
  const parts = [tar.subarray(0, cut), tar.subarray(cut)];
  const skippable = Buffer.from([0x50 + dice.roll(16), 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  switch (dice.roll(12)) {
    case 0:
      return gzipSync(tar);
    case 1:
      return Buffer.concat(parts.map((part) => gzipSync(part)));
    case 2:
      return Buffer.concat([
        gzipSync(tar),
        dice.one([
          Buffer.alloc(5),
          Buffer.from('junk'),
          Buffer.from([0x1f, 0x8b]),
          Buffer.concat([Buffer.alloc(3), gzipSync(tar)]),
        ]),
      ]);
    case 3:
      return gzipSync(tar).subarray(0, -1 - dice.roll(30));
    case 4:
      return zstdCompressSync(tar);
    case 5:
      return Buffer.concat([...parts.flatMap((part) => [skippable, zstdCompressSync(part)]), skippable]);
    case 6:
      return dice.one([
        zstdCompressSync(tar).subarray(0, -1 - dice.roll(30)),
        Buffer.concat([zstdCompressSync(tar), Buffer.from('junk')]),
      ]);
    default:
      return tar;
  }
}
