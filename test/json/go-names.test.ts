import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { misspelt } from '../../src/json/go-names.ts';
import { refuseCaseFolded } from '../../src/json/strict.ts';
import { askGo, jsonOracle } from '../support/json-oracle.ts';
import { needing } from '../support/tools.ts';
import { spellingQuestion } from '../support/json-questions.ts';

/** Without the program of `test/oracles/json`, the recorded answers stand for it. */
const live = needing(jsonOracle);

const recorded = (name: string): readonly { known: string; spelling: string; goTakesItFor: boolean }[] =>
  readFileSync(path.join(import.meta.dirname, 'recorded', name), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{"recorded"'))
    .map((line) => JSON.parse(line) as { known: string; spelling: string; goTakesItFor: boolean });

for (const name of ['json-spellings.jsonl', 'spellings.jsonl']) {
  test(`threat 5: what Go takes for a known name is refused, nothing else: ${name}`, (t) => {
    const cases = recorded(name);
    t.true(cases.length > 40);
    for (const { known, spelling, goTakesItFor } of cases) {
      const ask = (): void => refuseCaseFolded({ [spelling]: 1 }, ['other', known], 'it');
      if (goTakesItFor && spelling !== known) {
        const error = t.throws(ask, { instanceOf: AmlpromoteError }, `${known} ${spelling}`);
        t.is(error.code, 'CONTENT_INVALID');
      } else t.notThrows(ask, `${known} ${spelling}`);
    }
  });
}

test('threat 5: both spellings side by side are refused too, and the message shows which is which', (t) => {
  const error = t.throws(() =>
    refuseCaseFolded({ WorkingDir: '', 'Wor\u212aingDir': '' }, ['WorkingDir'], 'it'),
  );
  t.regex(error.message, /key "Wor\\u212aingDir" is a misspelling of "WorkingDir"/);
});

live('threat 5: 5,000 random spellings, judged by Go', (t) => {
  const questions = fc.sample(spellingQuestion, 5000);
  const wrong = askGo(questions).flatMap(({ takes }, at) => {
    const { known = '', spelling: text = '' } = questions[at] ?? {};
    const ours = text === known || misspelt(text, [known]) === known;
    return ours === takes ? [] : [{ known, text, takes }];
  });
  t.deepEqual(wrong, []);
});

live('the long s and the Kelvin sign are all that folds to ASCII', (t) => {
  t.deepEqual(askGo([{ ask: 'runes' }])[0]?.folds, [0x17f, 0x212a]);
});
