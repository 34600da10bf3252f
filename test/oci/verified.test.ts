import { Readable } from 'node:stream';
import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { readBlob, verifiedStream } from '../../src/oci/verified.ts';

const descriptor = (text: string) => ({ mediaType: 'text/plain', digest: sha256(text), size: text.length });
const from = (...chunks: string[]): Readable => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
const wrong = { instanceOf: AmlpromoteError, code: 'INTEGRITY_MISMATCH' };

async function drain(stream: Readable): Promise<{ text: string; error?: unknown }> {
  let text = '';
  try {
    for await (const chunk of stream) text += String(chunk);
    return { text };
  } catch (error) {
    return { text, error };
  }
}

test('verifiedStream passes good bytes through', async (t) => {
  t.deepEqual(await drain(verifiedStream(from('ab', 'c'), descriptor('abc'))), { text: 'abc' });
  t.deepEqual(await drain(verifiedStream(from(), descriptor(''))), { text: '' });
});

for (const [title, chunks] of [
  ['too short', ['ab']],
  ['other bytes', ['abd']],
  ['too long', ['ab', 'cd']],
] as const) {
  test(`verifiedStream ends in an error: ${title}`, async (t) => {
    const { text, error } = await drain(verifiedStream(from(...chunks), descriptor('abc')));
    t.true(error instanceof AmlpromoteError && error.code === 'INTEGRITY_MISMATCH');
    t.true(text.length <= 3, 'never yields more than the size');
  });
}

test('verifiedStream: the error of the source comes through, and the source is destroyed with the consumer', async (t) => {
  const broken = from('ab');
  const cause = new AmlpromoteError('UNREACHABLE', 'reset');
  const checked = verifiedStream(broken, descriptor('abc'));
  broken.destroy(cause);
  t.is((await drain(checked)).error, cause);

  const source = from('a', 'b', 'c');
  const left = verifiedStream(source, descriptor('abc'));
  await new Promise((resolve) => left.once('close', resolve).destroy());
  t.true(source.destroyed);
});

test('readBlob returns the bytes, tries once more, then says INTEGRITY_MISMATCH', async (t) => {
  const answers = [from('xyz'), from('abc'), from('xyz'), from('xyz')];
  const reader = { blob: async () => answers.shift() ?? from() };
  t.is(Buffer.from(await readBlob(reader, descriptor('abc'), 10)).toString(), 'abc');
  await t.throwsAsync(readBlob(reader, descriptor('abc'), 10), wrong);
});

test('readBlob refuses before it reads', async (t) => {
  const reader = { blob: async () => t.fail() };
  await t.throwsAsync(readBlob(reader, descriptor('abc'), 2), {
    instanceOf: AmlpromoteError,
    code: 'CONTENT_INVALID',
  });
});
