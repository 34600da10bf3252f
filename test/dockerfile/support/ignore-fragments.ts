import fc from 'fast-check';

const names = [
  'a',
  'b',
  'ab',
  'a.txt',
  'c++',
  '.env',
  'x y',
  'ä',
  'a(1).json',
  '^a',
  '[',
  'a-b',
  '!x',
  '#x',
  'A',
  '1',
];

/** A path of a few parts. */
export const path: fc.Arbitrary<string> = fc
  .array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));

const pieces = [
  ...names,
  ...[
    '*',
    '**',
    '?',
    '*.txt',
    '**/',
    '/**',
    'a*',
    '*b',
    '[a-c]',
    '[^a]',
    '[!a]',
    '[ab',
    '[]',
    '[]a]',
    '[a-]',
    '[-a]',
  ],
  ...[
    '[[:alpha:]]',
    '[*]',
    '[?]',
    '[.]',
    '[\\]]',
    '[c-a]',
    '\\*',
    '\\d',
    '\\b',
    '\\',
    '\\!',
    '\\a',
    '\\q',
    '{a,b}',
  ],
  ...[
    '(',
    ')',
    '|',
    '$',
    '.',
    '..',
    '+',
    '^',
    '^*',
    '"a"',
    '/',
    '//',
    './',
    '../',
    ' ',
    '\t',
    '\u00a0',
    '[^]',
    '[\\d]',
    '[a-c-e]',
  ],
];

const line = fc
  .tuple(
    fc.constantFrom('', '', '', '!', '!', '/', '! ', '#', ' ', '!/', '\\'),
    fc.array(fc.oneof(fc.constantFrom(...pieces), fc.constantFrom('/', ...names)), {
      minLength: 1,
      maxLength: 5,
    }),
    fc.constantFrom('\n', '\n', '\n', '\r\n', ' \n', '\n\n'),
  )
  .map(([head, parts, end]) => `${head}${parts.join('')}${end}`);

/** Lines that Docker takes, so that more than one of them is looked at. */
const plain = fc.constantFrom(
  ...[
    '*\n',
    '**\n',
    '!a\n',
    '!**/*.txt\n',
    'a/*\n',
    '!a/b\n',
    'a\n',
    '!a/**\n',
    '**/b\n',
    'a/**/b\n',
    '!b\n',
    '*/a\n',
  ],
  ...['a*\n', '!ab\n', '!a*/b\n', '**/*b\n', 'b/**\n', '!**/a\n', '!*\n', 'a/b\n', '[ab]\n', '!?\n', '!**\n'],
);

export const ignoreFile: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', '', '', '\uFEFF', '# x\n'),
    fc.array(fc.oneof(line, { weight: 4, arbitrary: plain }), { minLength: 1, maxLength: 5 }),
  )
  .map(([head, lines]) => head + lines.join(''));

/** Files and folders (these end in `/`) of a small tree without contradictions. */
export const tree: fc.Arbitrary<readonly string[]> = fc
  .uniqueArray(path, { minLength: 1, maxLength: 12 })
  .map((paths) => paths.filter((each) => !paths.some((other) => other.startsWith(`${each}/`))).sort());
