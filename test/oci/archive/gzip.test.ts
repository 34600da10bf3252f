import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { gzip } from '../../../src/oci/archive/gzip.ts';

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

async function compressed(bytes: Uint8Array, chunk = 65_536, level?: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of gzip(inChunks(bytes, chunk), level)) parts.push(part);
  return Buffer.concat(parts);
}

const mixed = Buffer.concat([
  Buffer.alloc(3_000_000, 'abcdefgh'),
  randomBytes(700_000),
  Buffer.alloc(2_500_000, 'x'),
]);

for (const [what, bytes] of [
  ['nothing', Buffer.alloc(0)],
  ['one byte', Buffer.from('x')],
  ['exactly one block', Buffer.alloc(1024 * 1024, 'block')],
  ['one byte more than a block', Buffer.alloc(1024 * 1024 + 1, 'block')],
  ['several blocks', mixed],
] as const) {
  test(`${what}: decompresses to what it was`, async (t) => {
    t.true(gunzipSync(await compressed(bytes)).equals(bytes));
  });
}

test('the bytes do not depend on how the input is cut, nor on when it is done', async (t) => {
  const [first, ...others] = await Promise.all(
    [7919, 65_536, 1024 * 1024, 9_000_000].map((size) => compressed(mixed, size)),
  );
  for (const other of others) t.true(first?.equals(other));
});

test('the header has no time, no name and no system', async (t) => {
  t.deepEqual(
    [...(await compressed(Buffer.from('x'))).subarray(0, 10)],
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff],
  );
});

test('level 1 is larger than level 9, and repetition across blocks is found', async (t) => {
  const [fast, small] = [await compressed(mixed, 65_536, 1), await compressed(mixed, 65_536, 9)];
  t.true(fast.length >= small.length);
  const repeated = randomBytes(32_000);
  const far = Buffer.concat([Buffer.alloc(1024 * 1024 - repeated.length, 0), repeated, repeated]);
  t.true((await compressed(far)).length < 40_000);
});

test('a source that fails fails the compression', async (t) => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(2_000_000);
    throw new Error('read error');
  }
  await t.throwsAsync(
    async () => {
      const parts: Uint8Array[] = [];
      for await (const part of gzip(failing())) parts.push(part);
    },
    { message: 'read error' },
  );
});
