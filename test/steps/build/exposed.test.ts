import test from 'ava';
import { exposedArgs } from '../../../src/steps/build/exposed.ts';
import { memoryRegistry } from '../../support/memory-registry.ts';
import { pushImage } from '../../support/signed-release.ts';

const cases: readonly (readonly [string, object, Record<string, string>, string[] | undefined, string[]])[] =
  [
    ['nowhere', { history: [{ created_by: 'RUN x' }] }, { TOKEN: 'hunter2' }, undefined, []],
    [
      'in the history of a step',
      { history: [{ created_by: '|1 TOKEN=x /bin/sh -c y' }] },
      { TOKEN: 'x' },
      undefined,
      ['TOKEN'],
    ],
    ['in the environment', { config: { Env: ['K=hunter2'] } }, { TOKEN: 'hunter2' }, undefined, ['TOKEN']],
    ['in a label', { config: { Labels: { a: 'is hunter2.' } } }, { TOKEN: 'hunter2' }, undefined, ['TOKEN']],
    ['short, by chance', { history: [{ created_by: 'RUN x1y' }] }, { N: '1' }, undefined, []],
    ['public', { config: { Env: ['K=hunter2'] } }, { TOKEN: 'hunter2' }, ['TOKEN'], []],
    [
      'the base that is recorded',
      { config: { Labels: { base: 'debian:12' } } },
      { BASE: 'debian:12' },
      undefined,
      [],
    ],
    ['empty', { history: [{ created_by: '|1 A= sh' }] }, { A: '' }, undefined, []],
  ];
for (const [what, config, args, publicArgs, expected] of cases) {
  test(`arguments whose values stand in the image's configuration: ${what}`, async (t) => {
    const target = memoryRegistry('dev.test').repository('ml/x');
    const image = await pushImage(target, '', { ...config });
    const content = await target.manifest(image.digest);
    if (!content) return t.fail();
    const source = { args, ...(publicArgs ? { publicArgs } : {}) };
    t.deepEqual(await exposedArgs(source, content, target, ['debian:12']), expected);
  });
}
