// Asks the judges and writes their answers down, for machines that lack them: node test/dockerfile/support/record.ts
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { ask, classic, current } from './oracle.ts';
import { dockerfile } from './fragments.ts';
import { ignoreFile, path } from './ignore-fragments.ts';
import { substitution } from './substitution-fragments.ts';

if (current === undefined || classic === undefined) throw new Error('build the oracles first: npm run tools');
const [now, before] = [current, classic];
const versions = 'moby/buildkit 0.34.2, patternmatcher 0.6.1, go-archive 0.3.3; classic: moby/buildkit 0.8.3';
const seed = 20261125;

function write(name: string, lines: readonly object[]): void {
  const about = { about: `Answers of the judges in test/oracles (${versions}), asked on 2026-11-25.` };
  const file = new URL(`../recorded/${name}.jsonl`, import.meta.url);
  writeFileSync(file, [about, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(''));
}

const unique = <T>(values: readonly T[]): readonly T[] => [
  ...new Map(values.map((value) => [JSON.stringify(value), value])).values(),
];

const texts = unique(fc.sample(dockerfile, { numRuns: 3000, seed }));
const questions = texts.map((text) => ({ kind: 'dockerfile', text }));
const [currently, classically] = [ask(now, questions), ask(before, questions)];
const all = texts.map((text, index) => ({ text, current: currently[index], classic: classically[index] }));
// Mostly such as are taken by one of them.
const isTaken = (one: (typeof all)[number]): boolean =>
  one.current?.error === undefined || one.classic?.error === undefined;
write('dockerfiles', [
  ...all.filter(isTaken).slice(0, 400),
  ...all.filter((one) => !isTaken(one)).slice(0, 150),
]);

const ignores = unique(
  fc.sample(fc.tuple(ignoreFile, fc.uniqueArray(path, { minLength: 3, maxLength: 6 })), {
    numRuns: 320,
    seed,
  }),
);
const ignored = ask(
  now,
  ignores.map(([text, paths]) => ({ kind: 'dockerignore', text, paths })),
);
write(
  'ignores',
  ignores.map(([text, paths], index) => ({ text, paths, ...ignored[index] })),
);

const words = unique(fc.sample(substitution, { numRuns: 500, seed }));
const asked = words.map((word) => ({ kind: 'substitute', ...word }));
const [values, olderValues] = [ask(now, asked), ask(before, asked)];
write(
  'substitutions',
  words.map((word, index) => ({ ...word, current: values[index], classic: olderValues[index] })),
);
