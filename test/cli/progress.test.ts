import test from 'ava';
import { createProgress } from '../../src/cli/progress.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import type { ProgressEvent } from '../../src/domain/events.ts';
import type { Verdict } from '../../src/domain/verdict.ts';

/** What is written for these events; every look at the clock is 1 s later than the one before. */
function written(
  events: readonly ProgressEvent[],
  output: { readonly columns?: number; readonly color?: boolean } = {},
): string {
  let text = '';
  let now = 0;
  const progress = createProgress(
    { write: (more) => void (text += more), columns: output.columns, color: output.color ?? false },
    () => (now += 1000),
  );
  for (const event of events) progress(event);
  return text;
}

const layer = sha256('layer');
const other = sha256('other');
const bytesOf = (done: number, digest = layer): ProgressEvent => ({
  type: 'bytes',
  step: 'publish',
  digest,
  done,
  total: 4_000_000,
});

const story: readonly ProgressEvent[] = [
  { type: 'started', step: 'publish', subject: 'contosodev.azurecr.io/ml/churn' },
  bytesOf(1_000_000),
  bytesOf(3_000_000),
  { type: 'effect', step: 'publish', effect: 'pushed', subject: layer },
  { type: 'note', step: 'publish', message: 'slow today' },
  { type: 'log', step: 'run', line: 'epoch 1' },
  { type: 'finished', step: 'publish', subject: 'x', already: false, detail: 'all there' },
  { type: 'started', step: 'sign', subject: 'y' },
  { type: 'finished', step: 'sign', subject: 'y', already: true, detail: '4 signatures' },
];

test('who is waited for is named, without a step', (t) => {
  t.is(
    written([{ type: 'waiting', host: 'contosodev.azurecr.io', milliseconds: 5000, what: 'no connection' }]),
    'waiting for contosodev.azurecr.io: no connection for 5.0 s\n',
  );
});

test('a refusal is not painted as done', (t) => {
  const judged = (verdict: Verdict, already = false): ProgressEvent => ({
    type: 'finished',
    step: 'scan',
    subject: 'x',
    already,
    verdict,
    detail: `${verdict}: 3 findings`,
  });
  const events = [
    judged('refused'),
    judged('inconclusive', true),
    judged('allowed'),
    judged('allowed', true),
  ];
  t.is(
    written(events).replaceAll(/ \(.*\)/g, ''),
    [
      'scan      x refused: 3 findings',
      'scan      ? inconclusive: 3 findings',
      'scan      + done: allowed: 3 findings',
      'scan      = already done: allowed: 3 findings',
      '',
    ].join('\n'),
  );
  const green = '\u001B[32m';
  t.false(written([judged('refused'), judged('inconclusive')], { color: true }).includes(green));
  t.true(written([judged('allowed')], { color: true }).includes(green));
});

test('a pipe gets plain lines: no bytes, no colour, no carriage returns', (t) => {
  t.is(
    written(story),
    [
      'publish   contosodev.azurecr.io/ml/churn',
      'publish   note: slow today',
      'run       | epoch 1',
      'publish   + done: all there (1.0 s)',
      'sign      y',
      'sign      = already done: 4 signatures (1.0 s)',
      '',
    ].join('\n'),
  );
});

test('a terminal gets one live line, wiped before the next real one', (t) => {
  const text = written(story, { columns: 80 });
  t.true(text.includes(`\r\u001B[2Kpublish   1.00 MB at 0 B/s  ${layer.slice(7, 19)} 25%`));
  t.regex(text, /3\.00 MB at [\d.]+ kB\/s +\w+ 75%/);
  t.true(text.includes('\r\u001B[2Kpublish   note: slow today\n'));
  t.is(text.split('\n').filter((line) => line.includes('+ done')).length, 1);
});

test('the live line counts what is done and drops it, and is never wider than the terminal', (t) => {
  const text = written([bytesOf(4_000_000), bytesOf(2_000_000, other), bytesOf(4_000_000, other)], {
    columns: 30,
  });
  const lines = text.split('\r\u001B[2K').slice(1);
  t.deepEqual(
    lines.map((line) => line.slice(0, 17)),
    ['publish   4.00 MB', 'publish   6.00 MB', 'publish   8.00 MB'],
  );
  t.true(lines.every((line) => line.length < 30));
});

test('each step counts its own bytes', (t) => {
  const next: ProgressEvent = { type: 'started', step: 'publish', subject: 'again' };
  const text = written([bytesOf(4_000_000), next, bytesOf(1_000_000)], { columns: 80 });
  t.regex(text, /publish {3}1\.00 MB at 0 B\/s/);
  t.notRegex(text, /5\.00 MB/);
});

test('colour only where it is asked for', (t) => {
  t.false(written(story).includes('\u001B['));
  t.true(written(story, { color: true }).includes('\u001B[32m+ done\u001B[0m'));
});

test('threat 31: what came from outside cannot steer the terminal', (t) => {
  const evil = '\u001B[2J\u202Efdp.exe\nimport + done: all is well';
  const text = written([
    { type: 'started', step: 'scan', subject: evil },
    { type: 'note', step: 'scan', message: evil },
    { type: 'log', step: 'run', line: evil },
    { type: 'finished', step: 'scan', subject: evil, already: false, detail: evil },
  ]);
  t.false(text.includes('\u001B'));
  t.false(text.includes('\u202E'));
  t.notRegex(text, /^import/m);
});
