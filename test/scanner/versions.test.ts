import { spawnSync } from 'node:child_process';
import test from 'ava';
import fc from 'fast-check';
import { versionSchemeOf } from '../../src/scanner/versions/scheme.ts';
import { needing } from '../support/tools.ts';

const debian = versionSchemeOf('Debian:12')!;
const python = versionSchemeOf('PyPI')!;

const sign = (value: number): number => Math.sign(value);

/** Ascending; neighbours differ. From Debian Policy 5.6.12 and versions seen in the archive. */
const ascending = [
  '0~~',
  '0~~a',
  '0~',
  '0',
  '0a',
  '0+',
  '1.0~beta1~svn1245',
  '1.0~beta1',
  '1.0',
  '1.0-1~bpo11+1',
  '1.0-1',
  '1.0-1+b1',
  '1.0-1+deb12u1',
  '1.0-1.1',
  '1.0-2',
  '1.0a',
  '1.0+dfsg-1',
  '1.0.1',
  '1.2',
  '1.10',
  '1.18446744073709551616000',
  '1.18446744073709551616001',
  '1:0.1',
  '1:1.24.2-1',
  '1:1.24.2-1+deb12u1',
  '2:0',
];

test('Debian versions: the order of the policy', (t) => {
  ascending.forEach((a, i) => {
    ascending.forEach((b, j) => {
      t.is(sign(debian.compare(a, b)), sign(i - j), `${a} ${b}`);
    });
  });
});

test('Debian versions: equal under other spellings', (t) => {
  for (const [a, b] of [
    ['1.0', '0:1.0'],
    ['1.0', '1.0-0'],
    ['1.00', '1.0'],
    ['1.01', '1.1'],
    ['1.', '1.0'],
  ] as const) {
    t.is(debian.compare(a, b), 0, `${a} ${b}`);
  }
});

test('Debian versions: what is none', (t) => {
  for (const text of [
    '',
    'a',
    '1 2',
    '1:',
    ':1',
    'x:1',
    '1_2',
    '-1',
    '1-',
    '1-a_b',
    '1.0\n',
    '9999999999:1',
    '1'.repeat(600),
  ]) {
    t.is(debian.normalize(text), undefined, JSON.stringify(text));
  }
});

const part = fc.stringMatching(/^[0-9][0-9a-zA-B+.~]{0,6}$/);
const version = fc
  .tuple(fc.option(fc.integer({ min: 0, max: 3 })), part, fc.option(fc.stringMatching(/^[0-9a-b+.~]{1,4}$/)))
  .map(
    ([epoch, upstream, revision]) =>
      `${epoch === null ? '' : `${String(epoch)}:`}${upstream}${revision === null ? '' : `-${revision}`}`,
  );

test('Debian versions: a total order', (t) => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      t.is(debian.compare(a, a), 0);
      t.is(sign(debian.compare(a, b)), -sign(debian.compare(b, a)));
      const [x = '', y = '', z = ''] = [a, b, c].sort((left, right) => debian.compare(left, right));
      t.true(debian.compare(x, y) <= 0 && debian.compare(y, z) <= 0 && debian.compare(x, z) <= 0);
    }),
  );
});

test('Debian versions: ~ sorts before, anything appended sorts after', (t) => {
  fc.assert(
    fc.property(part, (base) => {
      t.true(debian.compare(`${base}~`, base) < 0);
      t.true(debian.compare(`${base}+b1`, base) > 0);
    }),
  );
});

needing('dpkg')('Debian versions: as dpkg compares them', (t) => {
  const neighbours = ascending.slice(1).map((b, index): [string, string] => [ascending[index] ?? '', b]);
  const pairs = [...neighbours, ...fc.sample(fc.tuple(version, version), 300)];
  const questions = pairs.map(([a, b]) => {
    const order = debian.compare(a, b);
    return `${a} ${order < 0 ? 'lt' : order > 0 ? 'gt' : 'eq'} ${b}`;
  });
  // One shell for all: starting a process from here costs more than the comparison.
  const script =
    'while read a relation b; do dpkg --compare-versions "$a" "$relation" "$b" || echo "$a $relation $b"; done';
  const { stdout, status } = spawnSync('sh', ['-c', script], {
    input: `${questions.join('\n')}\n`,
    encoding: 'utf8',
  });
  t.is(status, 0);
  t.is(stdout, '', 'dpkg disagrees');
});

test('Python versions: PEP 440, local labels left out', (t) => {
  t.is(python.compare(python.normalize('1.0.0-RC1')!, '1.0.0rc1'), 0);
  t.is(python.normalize('2.0.1+cu118'), '2.0.1');
  t.is(python.normalize('1!2.0.post1.dev3'), '1!2.0.post1.dev3');
  t.is(python.normalize('not a version'), undefined);
  t.is(python.compare('1.0', '1.0.0'), 0);
  t.true(python.compare('1.0.dev1', '1.0a1') < 0);
  t.true(python.compare('1.0rc1', '1.0') < 0);
  t.true(python.compare('1.10', '1.9') > 0);
  t.true(python.compare('1.0.post1', '1.0') > 0);
});

test('an ecosystem without an order of versions', (t) => {
  t.is(versionSchemeOf('npm'), undefined);
});
