import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { canonicalJson } from '../../src/json/canonical.ts';
import { parseStrictJson, refuseCaseFolded } from '../../src/json/strict.ts';

const parse = (text: string | Uint8Array, more = {}) => parseStrictJson(text, { where: 'it', ...more });

const refuses = test.macro(
  (t, text: string | Uint8Array, message: RegExp, more: { maxBytes?: number } = {}) => {
    const error = t.throws(() => parse(text, more), { instanceOf: AmlpromoteError });
    t.is(error.code, 'CONTENT_INVALID');
    t.regex(error.message, message);
  },
);

test('reads what JSON.parse reads', (t) => {
  const text = '{"a":[1,{"a":2,"b":"x:\\"y"}],"b":{"a":"\\\\"},"c":null}';
  t.deepEqual(parse(text), JSON.parse(text) as unknown);
  t.deepEqual(parse(Buffer.from(text)), JSON.parse(text) as unknown);
});
test('threat 5: duplicate key', refuses, '{"layers":[],"layers":[1]}', /duplicate key "layers"/);
test(
  'threat 5: duplicate key in disguise',
  refuses,
  '{"layers":1,"l\\u0061yers":2}',
  /duplicate key "layers"/,
);
test(
  'threat 5: duplicate key far from its colon',
  refuses,
  `{"a":1,"a"${' '.repeat(500)}:2}`,
  /duplicate key "a"/,
);
test('__proto__', refuses, '{"__proto__":{"x":1}}', /__proto__/);
test('invalid UTF-8', refuses, Uint8Array.of(0x22, 0xff, 0x22), /UTF-8/);
test('byte order mark', refuses, Uint8Array.of(0xef, 0xbb, 0xbf, 0x31), /not valid JSON/);
test('too deep', refuses, '['.repeat(100_000), /nested deeper than 64/);
test('too large', refuses, `"${'x'.repeat(100)}"`, /larger than 10 bytes/, { maxBytes: 10 });
test('not JSON', refuses, '{a:1}', /not valid JSON/);
test('unterminated string', refuses, '{"a', /unterminated/);

const MiB = 1024 * 1024;
for (const [name, body] of [
  ['of letters', 'x'.repeat(32 * MiB)],
  ['of escaped quotes', '\\"'.repeat(16 * MiB)],
  ['of escaped backslashes', '\\\\'.repeat(16 * MiB)],
] as const) {
  test(`threat 18: a string of 32 MiB ${name} is read in linear time, as a value and as a key`, (t) => {
    const started = performance.now();
    const more = { maxBytes: 80 * MiB };
    t.is(Object.keys(parse(`{"a":"${body}"}`, more) as object).length, 1);
    t.is(Object.keys(parse(`{"${body}":1}`, more) as object).length, 1);
    t.true(performance.now() - started < 20_000);
  });
}
test(
  'threat 18: a string of 32 MiB that does not end',
  refuses,
  `{"a":"${'\\"'.repeat(16 * MiB)}`,
  /unterminated string/,
  { maxBytes: 80 * MiB },
);
test(
  'a message shows the beginning of a long key only',
  refuses,
  `{"${'k'.repeat(9 * MiB)}":1,"${'k'.repeat(9 * MiB)}":2}`,
  /^it: duplicate key "k{100}"$/,
  { maxBytes: 80 * MiB },
);
test('threat 5: case-folded twin of a known key', (t) => {
  t.throws(
    () => {
      refuseCaseFolded({ Layers: [] }, ['layers'], 'm');
    },
    { message: /misspelling of "layers"/ },
  );
  t.notThrows(() => {
    refuseCaseFolded({ layers: [], other: 1 }, ['layers'], 'm');
  });
});
test('canonical JSON sorts keys and drops undefined', (t) => {
  t.is(canonicalJson({ b: [1, { d: 'x', c: undefined }], a: null }), '{"a":null,"b":[1,{"d":"x"}]}');
});
