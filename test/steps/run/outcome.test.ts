import test from 'ava';
import type { Job } from '../../../src/ports/workspace.ts';
import { failureOf } from '../../../src/steps/run/outcome.ts';

const job = (phase: string, error?: string): Job => ({
  name: 'j',
  id: '/j',
  status: 'Canceled',
  phase,
  environmentId: '/e',
  tags: {},
  outputs: {},
  raw: {},
  ...(error === undefined ? {} : { error }),
});
const advice = (phase: string, error?: string): string =>
  failureOf(job(phase, error), ['x']).nextSteps.join(' ');

test('a job that ran too long is told to have a longer limit, not to have been canceled by a person', (t) => {
  for (const error of [
    'The job was canceled: it ran longer than its limit of PT10M.',
    'Job exceeded the timeout',
    'Run timed out',
    'UserError: max execution time reached',
  ]) {
    t.regex(advice('Canceled', error), /ran longer than it may: raise smoke\.timeout/);
    t.notRegex(advice('Canceled', error), /person/);
  }
});

test('where the words cannot be read, both causes are told', (t) => {
  t.regex(advice('Canceled'), /smoke\.timeout.*person canceled it/);
});

test('a job that failed was not canceled', (t) => {
  t.notRegex(advice('Failed', 'exit code 1'), /cancel|smoke\.timeout/);
});
