import test from 'ava';
import { withoutShown } from '../../aml/shown-back.ts';

const shown = (name: string, more: object = {}) => ({ jobServiceType: name, endpoint: 'x', ...more });

for (const [title, given, left] of [
  ['the services of every job', { services: { Tracking: shown('Tracking'), Studio: shown('Studio') } }, {}],
  [
    'a service that somebody declared',
    { services: { Studio: shown('Studio'), ssh: shown('SSH') } },
    { services: { ssh: shown('SSH') } },
  ],
  [
    'one under a name that is not its kind',
    { services: { Studio: shown('SSH') } },
    { services: { Studio: shown('SSH') } },
  ],
  ['no tier', { queueSettings: { jobTier: 'Null' } }, {}],
  ['no tier, with an empty priority', { queueSettings: { jobTier: 'Null', priority: null } }, {}],
  ['a tier', { queueSettings: { jobTier: 'Spot' } }, { queueSettings: { jobTier: 'Spot' } }],
  [
    'a priority',
    { queueSettings: { jobTier: 'Null', priority: 1 } },
    { queueSettings: { jobTier: 'Null', priority: 1 } },
  ],
  ['nulls', { services: null, queueSettings: null, tags: {} }, { tags: {} }],
] as const)
  test(`sent back: ${title}`, (t) => {
    t.deepEqual(withoutShown({ command: 'x', ...given }), { command: 'x', ...left });
  });

test('sent back: what is no object is refused', (t) => {
  t.throws(() => withoutShown({ services: 'x' }), { message: /services must be an object/ });
  t.throws(() => withoutShown({ queueSettings: [] }), { message: /queueSettings must be an object/ });
});
