import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { formatPlatform } from '../../src/domain/platform.ts';
import type { Platform } from '../../src/domain/platform.ts';
import { rankPlatform } from '../../src/oci/choose-platform.ts';
import { platformQuestion } from '../support/platform-questions.ts';
import type { PlatformQuestion } from '../support/platform-questions.ts';
import { findTool, needing } from '../support/tools.ts';

const oracleName = 'amlpromote-oracle-platforms';
const oracle = findTool(oracleName);
const live = needing(oracleName);

/** Places of the best offers. */
function ours({ wanted, offered }: PlatformQuestion): readonly number[] {
  const ranks = offered.map((one) => rankPlatform(wanted, one) ?? Infinity);
  const best = Math.min(...ranks);
  return best === Infinity ? [] : ranks.flatMap((rank, at) => (rank === best ? [at] : []));
}

/**
 * What is chosen is what containerd would choose, if it is of the architecture that was asked for; of equal ones we choose more
 * narrowly (the spelling that was asked for). Where containerd would take another architecture, or a level that is no
 * number, we may find none; never the other way round.
 */
function disagreement(question: PlatformQuestion, containerd: readonly number[]): unknown {
  const mine = ours(question);
  const { wanted, offered } = question;
  const isAsked = (at: number): boolean =>
    offered[at]?.architecture === wanted.architecture && offered[at].os === wanted.os;
  const theirs = containerd.filter(isAsked);
  const fine =
    mine.every((at) => theirs.includes(at)) &&
    (mine.length > 0 || theirs.every((at) => isOdd(offered[at], wanted)));
  return fine
    ? undefined
    : { wanted: formatPlatform(wanted), offered: offered.map(formatPlatform), mine, theirs };
}

/** Containerd takes `8` for `v8`, and anything else that is the same text. */
const isOdd = (offer: Platform | undefined, wanted: Platform): boolean =>
  [offer?.variant, wanted.variant].some((variant) => variant !== undefined && !/^v\d$/.test(variant));

live('5,000 choices, judged by containerd', (t) => {
  const questions = fc.sample(platformQuestion, 5000);
  const input = questions.map((one) => `${JSON.stringify(one)}\n`).join('');
  const answers = execFileSync(oracle ?? '', { input, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { best: readonly number[] });
  t.is(answers.length, questions.length);
  t.deepEqual(
    questions.flatMap((question, at) => disagreement(question, answers[at]?.best ?? []) ?? []),
    [],
  );
});

test('the recorded choices of containerd', (t) => {
  const lines = readFileSync(path.join(import.meta.dirname, 'recorded/platforms.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line) as { question: PlatformQuestion; best: readonly number[] });
  t.true(lines.length >= 300);
  t.deepEqual(
    lines.flatMap(({ question, best }) => disagreement(question, best) ?? []),
    [],
  );
});

test('a machine of unknown level is never given a higher one', (t) => {
  for (const variant of ['v2', 'v3', 'v4', 'x', 'V3', '3'])
    t.is(
      rankPlatform({ os: 'linux', architecture: 'amd64' }, { os: 'linux', architecture: 'amd64', variant }),
      undefined,
    );
});
