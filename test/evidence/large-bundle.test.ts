import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { mediaTypes } from '../../src/domain/media-types.ts';
import { encodeBundle, maxBundleBytes, parseBundle } from '../../src/evidence/sigstore-bundle.ts';

const MiB = 1024 * 1024;

test('a bundle with an SBOM of 40 MiB is read as it was written', (t) => {
  const payload = Buffer.alloc(40 * MiB, 'a');
  const bytes = encodeBundle({
    hint: 'h',
    payloadType: 'application/vnd.in-toto+json',
    payload,
    signature: Buffer.from('s'),
  });
  t.true(bytes.byteLength < maxBundleBytes);
  t.is(parseBundle(bytes, 'it').payload.byteLength, payload.byteLength);
});

const bundle = (payload: string): string =>
  `{"mediaType":"${mediaTypes.sigstoreBundle}","verificationMaterial":{"publicKey":{}},"dsseEnvelope":{"payload":${payload},"payloadType":"x","signatures":[{"sig":"AA=="}]}}`;

for (const [name, text] of [
  ['letters that are no base64', bundle(`"${'!'.repeat(30 * MiB)}"`)],
  ['escapes', bundle(`"${'\\"'.repeat(15 * MiB)}"`)],
  ['backslashes', bundle(`"${'\\\\'.repeat(15 * MiB)}"`)],
  ['a string without an end', bundle(`"${'x'.repeat(30 * MiB)}`)],
  ['a string instead of a bundle', `"${'x'.repeat(30 * MiB)}"`],
  ['one key', `{"${'k'.repeat(30 * MiB)}":1}`],
  ['a number', bundle('1'.repeat(30 * MiB))],
  ['blanks', `${' '.repeat(30 * MiB)}{}`],
  ['brackets', '['.repeat(30 * MiB)],
  ['small lists', `[${'[],'.repeat(5 * MiB)}[]]`],
  ['keys', `{${Array.from({ length: 500_000 }, (_, index) => `"${String(index)}":1`).join(',')}}`],
  ['zeros', '\0'.repeat(30 * MiB)],
] as const) {
  test(`junk of many megabytes is refused as such, and soon: ${name}`, (t) => {
    const started = performance.now();
    const error = t.throws(() => parseBundle(Buffer.from(text), 'it'), { instanceOf: AmlpromoteError });
    t.is(error.code, 'CONTENT_INVALID');
    t.true(error.message.length < 1000);
    t.true(performance.now() - started < 20_000);
  });
}
