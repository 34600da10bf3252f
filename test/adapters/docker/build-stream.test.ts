import test from 'ava';
import { followStream } from '../../../src/adapters/docker/build-stream.ts';

const line = (value: unknown): string => `${JSON.stringify(value)}\r\n`;

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function follow(
  text: string,
  size = 7,
): Promise<{ log: string[]; imageId: string | undefined; error: string | undefined }> {
  const log: string[] = [];
  return { ...(await followStream(inPieces(text, size), (one) => log.push(one))), log };
}

test('the classic builder: lines are put together, the id is found', async (t) => {
  const text = [
    line({ stream: 'Step 1/2 : FROM scratch' }),
    line({ stream: '\n' }),
    line({ stream: 'grüße ' }),
    line({ stream: 'aus der Ferne\nzwei\r\n' }),
    line({ aux: { ID: 'sha256:abc' } }),
    line({ stream: 'no line end' }),
  ].join('');
  for (const size of [1, 7, 10_000]) {
    t.deepEqual(await follow(text, size), {
      log: ['Step 1/2 : FROM scratch', 'grüße aus der Ferne', 'zwei', 'no line end'],
      imageId: 'sha256:abc',
      error: undefined,
    });
  }
});

test('an error line is the only sign of a failed build: the first one counts', async (t) => {
  const text = [
    line({ errorDetail: { code: 3, message: 'exit code 3' }, error: 'exit code 3' }),
    line({ error: 'second' }),
  ].join('');
  t.is((await follow(text)).error, 'exit code 3');
  t.is((await follow(line({ error: 'plain' }))).error, 'plain');
  t.is((await follow(line({ errorDetail: { message: 7 } }))).error, 'unknown error');
});

test('a pull shows its steps, not every byte', async (t) => {
  const text = [
    line({ status: 'Pulling from library/x', id: '1' }),
    line({ status: 'Downloading', progressDetail: { current: 1, total: 2 }, id: 'aa' }),
    line({ status: 'Digest: sha256:00' }),
  ].join('');
  t.deepEqual((await follow(text)).log, ['Pulling from library/x', 'Digest: sha256:00']);
});

test('what is no JSON is passed over', async (t) => {
  t.deepEqual((await follow('<html>\n\n[1]\n"x"\nnull\n' + line({ stream: 'ok\n' }))).log, ['ok']);
});

// Protobuf, by hand: field << 3 | 2, length, bytes.
const bytesField = (field: number, value: string | Buffer): Buffer => {
  const content = Buffer.from(value);
  const length =
    content.length < 128 ? [content.length] : [(content.length & 0x7f) | 0x80, content.length >> 7];
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...length]), content]);
};
const trace = (...fields: Buffer[]): string =>
  line({ id: 'moby.buildkit.trace', aux: Buffer.concat(fields).toString('base64') });
const vertex = (...fields: Buffer[]): Buffer => bytesField(1, Buffer.concat(fields));
const logOf = (digest: string, text: string): Buffer =>
  bytesField(3, Buffer.concat([bytesField(1, digest), Buffer.from([0x18, 1]), bytesField(4, text)]));
const started = bytesField(5, '');
const completed = bytesField(6, '');

test('BuildKit: steps once each, their output by lines, errors, warnings and the id', async (t) => {
  const text = [
    trace(vertex(bytesField(1, 'd1'), bytesField(3, '[1/2] FROM x'))),
    trace(
      vertex(bytesField(1, 'd1'), bytesField(3, '[1/2] FROM x'), Buffer.from([0x20, 1]), started, completed),
    ),
    trace(vertex(bytesField(1, 'd2'), bytesField(3, '[2/2] RUN y'), started)),
    trace(logOf('d2', 'first\nsec'), vertex(bytesField(1, 'd2'), bytesField(3, '[2/2] RUN y'), started)),
    trace(logOf('d2', 'ond\r\nrest')),
    trace(
      vertex(
        bytesField(1, 'd2'),
        bytesField(3, '[2/2] RUN y'),
        started,
        completed,
        bytesField(7, 'exit code: 1'),
      ),
    ),
    trace(bytesField(4, bytesField(3, 'old syntax'))),
    line({ id: 'moby.image.id', aux: { ID: 'sha256:def' } }),
  ].join('');
  t.deepEqual(await follow(text, 50), {
    log: [
      'CACHED [1/2] FROM x',
      '[2/2] RUN y',
      'first',
      'second',
      'ERROR [2/2] RUN y: exit code: 1',
      'rest',
      'WARNING old syntax',
    ],
    imageId: 'sha256:def',
    error: undefined,
  });
});

test('BuildKit: what cannot be read, or is of a later version, is passed over', async (t) => {
  const known = vertex(bytesField(1, 'd1'), bytesField(3, 'RUN x'), started);
  const later = Buffer.concat([
    Buffer.from([0x79, 1, 2, 3, 4, 5, 6, 7, 8]),
    Buffer.from([0x7d, 1, 2, 3, 4]),
    bytesField(9, 'new'),
  ]);
  const text = [
    trace(later, known),
    line({ id: 'moby.buildkit.trace', aux: '!!!' }),
    trace(Buffer.from([0x0a, 0xff])),
    trace(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
    trace(Buffer.from([0x0b])),
  ].join('');
  t.deepEqual((await follow(text, 1000)).log, ['RUN x']);
});

test('a line of 40 MB without an end: its beginning is shown, the build goes on, memory and time are bounded', async (t) => {
  const piece = 'x'.repeat(32 * 1024);
  const pieces = 1300;
  async function* long(make: (text: string) => string): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < pieces; index += 1) yield await Promise.resolve(Buffer.from(make(piece)));
    yield Buffer.from(make('end\nshort\n'));
    yield Buffer.from(line({ aux: { ID: 'sha256:abc' } }));
  }
  const started = performance.now();
  for (const make of [
    (text: string) => line({ stream: text }),
    (text: string) => trace(logOf('d1', text.slice(0, 12_000))),
  ]) {
    const log: string[] = [];
    const outcome = await followStream(long(make), (one) => log.push(one));
    t.is(outcome.imageId, 'sha256:abc');
    t.is(log.length, 2);
    t.true((log[0] ?? '').length < 10_000);
    t.regex(log[0] ?? '', /^x+… \(the line goes on\)$/);
    t.is(log[1], 'short');
  }
  t.true(performance.now() - started < 30_000);
});

test('an event of 40 MB is left out, in linear time; what follows counts', async (t) => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('{"stream":"');
    for (let index = 0; index < 1300; index += 1)
      yield await Promise.resolve(Buffer.from('y'.repeat(32 * 1024)));
    yield Buffer.from('"}\n');
    yield Buffer.from(line({ error: 'exit code 3' }));
  }
  const log: string[] = [];
  const outcome = await followStream(endless(), (one) => log.push(one));
  t.is(outcome.error, 'exit code 3');
  t.deepEqual(log, []);
});
