import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import test from 'ava';
import { findTool, needing, notationOracle } from '../support/tools.ts';
import { makeCases } from './differential/notation-cases.ts';
import type { NotationCase } from './differential/notation-draft.ts';
import { askNotation } from './differential/notation-oracle.ts';
import { ourVerdict } from './differential/our-verdict.ts';

/**
 * Never laxer than notation: some 500 signatures, each bent in one or two places and signed again by the right keys, judged by
 * notation-go and by us. Its answers are recorded with the envelopes, so the promise is kept where there is no Go. Made anew
 * with AMLPROMOTE_RECORD=1 where the oracle is.
 */
interface Recorded extends NotationCase {
  readonly verified: boolean;
  readonly error?: string;
  /** Ours on the day of the recording: where notation verifies and we do not, we are stricter on purpose. */
  readonly ours: string;
}
interface Header {
  readonly version: string;
  readonly recordedAt: string;
}

const file = path.join(import.meta.dirname, 'recorded/notation.jsonl.gz');
const oracle = findTool(notationOracle);

/**
 * The one kind of case in which we say yes and notation no: a policy may name fewer attributes than C, ST and O. It is the
 * policy's own words that notation refuses there, not the signature.
 */
const laxerByChoice = /^policy: CN=release$/;

const asRecorded = (): { header: Header; cases: readonly Recorded[] } => {
  const [header = '{}', ...lines] = gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n');
  return {
    header: JSON.parse(header) as Header,
    cases: lines.map((line) => JSON.parse(line) as Recorded),
  };
};

test('nothing that notation-go refused on the day of the recording is allowed', async (t) => {
  const { header, cases } = asRecorded();
  t.log(`${cases.length} envelopes, ${header.version}, ${header.recordedAt}`);
  t.true(cases.length >= 300);
  t.true(cases.filter(({ verified }) => verified).length >= 50, 'some must be good');
  const now = new Date(header.recordedAt);
  for (const one of cases) {
    const { verdict, detail } = await ourVerdict(one, now);
    t.false(
      verdict === 'allowed' && !one.verified && !laxerByChoice.test(one.id),
      `${one.id}: notation says ${one.error ?? ''}`,
    );
    t.is(verdict, one.ours as typeof verdict, `${one.id}: ${detail}`);
  }
});

test('what everybody makes is allowed', async (t) => {
  const usual = [
    'nothing changed',
    'an issuing CA',
    'an issuing CA, anchor of the policy',
    'a leaf that stands for itself',
    'P-384',
    'P-521',
    'RSA 2048',
    'RSA 3072',
    'no agent',
    'expiry in time',
    'annotations',
    'an unknown unprotected header',
    'no basic constraints',
    'no purposes',
    'O as PrintableString',
    'extension: an alternative name',
    'subject: L, STREET, POSTALCODE, OU, SERIALNUMBER',
    'subject: another order',
    'policy: hex pairs are UTF-8',
    'policy: an escaped blank',
  ];
  const { header, cases } = asRecorded();
  for (const id of usual) {
    const one = cases.find((candidate) => candidate.id === id);
    t.truthy(one, id);
    if (!one) continue;
    t.true(one.verified, id);
    t.is((await ourVerdict(one, new Date(header.recordedAt))).verdict, 'allowed', id);
  }
});

needing(notationOracle)('never laxer than notation-go, asked now', async (t) => {
  const cases = makeCases(200);
  const answers = askNotation(oracle!, cases);
  const now = new Date();
  const recorded: Recorded[] = [];
  for (const [index, one] of cases.entries()) {
    const { verified, error } = answers[index]!;
    const { verdict } = await ourVerdict(one, now);
    recorded.push({ ...one, verified, ...(error === undefined ? {} : { error }), ours: verdict });
    t.false(
      verdict === 'allowed' && !verified && !laxerByChoice.test(one.id),
      `${one.id}: notation says ${error ?? ''}`,
    );
  }
  if (process.env.AMLPROMOTE_RECORD === '1') {
    const header: Header = { version: answers[0]!.version, recordedAt: now.toISOString() };
    const lines = [header, ...recorded].map((line) => JSON.stringify(line));
    writeFileSync(file, gzipSync(`${lines.join('\n')}\n`, { level: 9 }));
  }
});
