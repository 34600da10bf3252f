import fc from 'fast-check';

const names = [
  'layers',
  'digest',
  'size',
  'config',
  'mediaType',
  'diff_ids',
  'rootfs',
  'User',
  'WorkingDir',
].concat(['os.version', 'StopSignal', 'Healthcheck', 'schemaVersion', 'x5c', 'payloadType', 'keyid']);

/** Letters that look alike, fold fully (but not simply) to ASCII, or depend on a language. */
const strange = [
  '\u017f',
  '\u212a',
  '\u0131',
  '\u0130',
  '\u0307',
  '\u0301',
  '\ufeff',
  '\u00df',
  '\u1e9e',
  '\uff53',
].concat(['\ufb05', '\u0455', '\u03c2', '\u2126', '\u00ad', '_', '-', ' ', '\u0000', '\ud801\udc28']);

const spelling = (known: string): fc.Arbitrary<string> =>
  fc
    .array(
      fc.record({
        at: fc.nat(known.length - 1),
        how: fc.oneof(
          fc.constantFrom<'upper' | 'lower' | 'fold' | 'drop'>('upper', 'lower', 'fold', 'drop'),
          fc.constantFrom(...strange),
          fc.integer({ min: 0, max: 0x10ffff }).map((point) => String.fromCodePoint(point)),
        ),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((changes) => {
      const letters = Array.from(known);
      for (const { at, how } of changes) letters[at] = changed(letters[at] ?? '', how);
      return letters.join('');
    })
    .filter((text) => text.isWellFormed());

function changed(letter: string, how: string): string {
  if (how === 'upper') return letter.toUpperCase();
  if (how === 'lower') return letter.toLowerCase();
  if (how === 'drop') return '';
  if (how === 'fold')
    return /^s$/i.test(letter) ? '\u017f' : /^k$/i.test(letter) ? '\u212a' : letter.toUpperCase();
  return how;
}

/** Names of members, spelt otherwise in one to three places. */
export const spellingQuestion = fc
  .constantFrom(...names)
  .chain((known) => spelling(known).map((text) => ({ ask: 'spelling' as const, known, spelling: text })));

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const layer = (letter: string) => ({
  mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  digest: digest(letter),
  size: 955,
});

/** One document of each kind with every member that its specification knows. */
export const sampleDocuments = {
  manifest: {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: 'application/vnd.example',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digest('c'), size: 77 },
    layers: [layer('a'), { ...layer('b'), annotations: { Digest: 'free' }, urls: [] }],
    subject: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digest('d'), size: 5 },
    annotations: { layers: 'free', Layers: 'free' },
  },
  index: {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: digest('e'),
        size: 500,
        platform: {
          architecture: 'arm64',
          os: 'linux',
          variant: 'v8',
          'os.version': '10',
          'os.features': ['a'],
        },
        artifactType: 'application/vnd.example',
        annotations: { Size: 'free' },
      },
    ],
    subject: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digest('d'), size: 5 },
    annotations: { manifests: 'free', Manifests: 'free' },
  },
  config: {
    created: '2026-01-01T00:00:00Z',
    author: 'somebody',
    architecture: 'amd64',
    os: 'linux',
    'os.version': '1',
    'os.features': ['b'],
    variant: 'v2',
    config: {
      User: '10001:10001',
      ExposedPorts: { '80/tcp': {}, '80/TCP': {} },
      Env: ['PATH=/bin', 'Kelvin=1'],
      Entrypoint: ['/bin/sh', '-c'],
      Cmd: ['true'],
      Volumes: { '/data': {}, '/Data': {} },
      WorkingDir: '/work',
      Labels: { user: 'free', User: 'free' },
      StopSignal: 'SIGTERM',
      ArgsEscaped: true,
      Healthcheck: {
        Test: ['NONE'],
        Interval: 1,
        Timeout: 2,
        StartPeriod: 3,
        StartInterval: 4,
        Retries: 5,
      },
      OnBuild: ['RUN x'],
      Shell: ['/bin/sh'],
    },
    rootfs: { type: 'layers', diff_ids: [digest('a'), digest('b')] },
    history: [
      { created: '2026-01-01T00:00:00Z', created_by: 'x', author: 'y', comment: 'z', empty_layer: true },
    ],
  },
} as const;

export type DocumentKind = keyof typeof sampleDocuments;

/** Keys below these are whatever somebody likes. */
export const freeMaps: readonly string[] = ['annotations', 'Labels', 'ExposedPorts', 'Volumes'];

/** Values that parsers of other languages read as another value, or not at all; as JSON text. */
const values = [
  'null',
  '""',
  '"x"',
  '0',
  '-0',
  '-1',
  '1.0',
  '9.55e2',
  '955',
  '955.0',
  '1e3',
  '2.0',
  '1e400',
  'true',
  'false',
].concat(
  [
    '9007199254740992',
    '9223372036854775808',
    '123456789012345678901',
    '[]',
    '{}',
    '[null]',
    '["x",null]',
    '{"x":null}',
  ],
  [
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u0000"',
    '"\\ud83d\\ude00"',
    '[1]',
    '{"x":1}',
    '"e30="',
    '"\\/"',
    '01',
    '+1',
    '.5',
  ],
);

/** Something is replaced where a piece of the text ends: a key by another spelling of it, a value by another, or doubled. */
const change = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  how: fc.constantFrom('spelling', 'spelling', 'value', 'value', 'twin', 'drop'),
  value: fc.constantFrom(...values),
  letter: fc.nat(40),
  twist: fc.constantFrom('upper', 'lower', 'fold'),
});

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** Members of a JSON text that was written by JSON.stringify, as `"key":` with where the value starts. */
function withChange(text: string, { at, how, value, letter, twist }: Change): string {
  const members = [...text.matchAll(/"([A-Za-z_.]+)":/g)];
  const member = members[Math.floor(at * members.length)];
  if (!member) return text;
  const key = member[1] ?? '';
  const start = member.index;
  const from = start + member[0].length;
  const end = endOfValue(text, from);
  const place = letter % key.length;
  const twisted = key.slice(0, place) + changed(key.charAt(place), twist) + key.slice(place + 1);
  if (how === 'spelling') return `${text.slice(0, start)}"${twisted}":${text.slice(from)}`;
  if (how === 'value') return `${text.slice(0, from)}${value}${text.slice(end)}`;
  if (how === 'twin') return `${text.slice(0, end)},"${twisted}":${value}${text.slice(end)}`;
  return `${text.slice(0, start)}"none":null${text.slice(end)}`;
}

/** Just behind a value of well-formed JSON, or where the text stops being that. */
function endOfValue(text: string, from: number): number {
  let depth = 0;
  for (let index = from; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (char === '"') index += (/^"(?:[^"\\]|\\.)*"/s.exec(text.slice(index))?.[0].length ?? 1) - 1;
    if ('[{'.includes(char)) depth += 1;
    if (depth === 0 && ',]}'.includes(char)) return index;
    if (']}'.includes(char)) depth -= 1;
  }
  return text.length;
}

/** Documents as container runtimes read them, changed in one to three places; some changes leave no JSON. */
export const documentQuestion = fc
  .tuple(
    fc.constantFrom<DocumentKind>('manifest', 'index', 'config'),
    fc.array(change, { minLength: 1, maxLength: 3 }),
  )
  .map(([ask, changes]) => ({
    ask,
    document: Buffer.from(
      changes.reduce((text, one) => withChange(text, one), JSON.stringify(sampleDocuments[ask])),
    ).toString('base64'),
  }));
