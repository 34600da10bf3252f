import test from 'ava';
import type { ReleaseDocument } from '../../src/domain/release.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { Inside } from '../../src/sides/inside.ts';
import type { ImageSpec } from '../../src/manifest/image.ts';
import type { Outside } from '../../src/sides/outside.ts';
import { combinedExitCode, planPromotion, promoteInside, promoteOutside } from '../../src/sides/promote.ts';
import type { PlanPlaces, PlanSubject } from '../../src/sides/promote.ts';

const places: PlanPlaces = {
  mode: 'both',
  nonsensitiveHost: 'contosodev.azurecr.io',
  sensitiveHost: 'contososec.azurecr.io',
  route: 'acr-import',
  workspace: 'risk',
};
const subject: PlanSubject = {
  name: 'churn-train',
  version: '1.4.0',
  repository: 'ml/churn-train',
  source: { kind: 'build', context: '/src/churn' },
  smoke: true,
};
const steps = (of: Partial<PlanSubject>, at: Partial<PlanPlaces>): string =>
  planPromotion({ ...subject, ...of }, { ...places, ...at })
    .map(({ step }) => step)
    .join(' ');

test('the plan has the steps of the sides that are asked for, in order', (t) => {
  const outside = 'build scan publish sign release';
  const inside = 'import register run';
  t.is(steps({}, {}), `${outside} ${inside}`);
  t.is(steps({}, { mode: 'outside' }), outside);
  t.is(steps({}, { mode: 'inside' }), inside);
  t.is(steps({ smoke: false }, { mode: 'inside' }), 'import register');
  for (const { side, step, image } of planPromotion(subject, places)) {
    t.is(side, outside.includes(step) ? 'outside' : 'inside');
    t.is(image, 'churn-train');
  }
});

test('the plan says where and by which way', (t) => {
  const text = planPromotion(subject, places)
    .map(({ does }) => does)
    .join('\n');
  for (const part of [
    '/src/churn',
    'contosodev.azurecr.io/ml/churn-train',
    'acr-import',
    'contososec.azurecr.io/ml/churn-train',
    'churn-train:1.4.0',
    'workspace risk',
  ])
    t.true(text.includes(part), part);
  const [first] = planPromotion({ ...subject, source: { kind: 'image', from: 'sha256:…' } }, places);
  t.is(first?.does, 'take over sha256:…');
});

const codes: readonly (readonly [readonly number[], number])[] = [
  [[], 0],
  [[20, 10], 10],
  [[20, 20], 20],
  [[2, 20], 20],
  [[2], 2],
  [[1, 2], 1],
  [[10, 130], 130],
];
for (const [given, expected] of codes) {
  test(`exit codes ${given.join(', ') || 'none'} together are ${expected}`, (t) => {
    t.is(combinedExitCode(given), expected);
  });
}

/** Answers every method, and notes which steps were asked for. */
function recording(asked: string[], answers: Readonly<Record<string, unknown>>): Outside & Inside {
  return new Proxy({} as Outside & Inside, {
    get: (_target, method) => async () => {
      const name = String(method);
      if (!name.startsWith('require')) asked.push(name);
      return answers[name] ?? {};
    },
  });
}

for (const smoke of [true, false])
  test(`what the plan prints is what runs ${smoke ? 'with' : 'without'} a smoke job`, async (t) => {
    const ran: string[] = [];
    const built = { build: { image: { digest: 'sha256:1' } }, scan: { platforms: [] } };
    await promoteOutside(recording(ran, built), {} as ImageSpec);
    const imported = { verification: { verified: { carried: smoke ? { smoke: {} } : {} } } };
    await promoteInside(recording(ran, { import: imported }), {} as ReleaseDocument, {});
    t.is(ran.join(' '), steps({ smoke }, {}));
  });

test('what no workspace may use is not imported either', async (t) => {
  const asked: string[] = [];
  const inside = new Proxy({} as Inside, {
    get: (_target, step) => () => {
      asked.push(String(step));
      throw new AmlpromoteError('NOT_ADMITTED', 'no');
    },
  });
  await t.throwsAsync(promoteInside(inside, {} as ReleaseDocument, {}), { instanceOf: AmlpromoteError });
  t.deepEqual(asked, ['requireAdmitted']);
});
