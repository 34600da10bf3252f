import test from 'ava';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import type { Registry } from '../../../src/ports/content.ts';
import type { ImportPorts } from '../../../src/steps/import.ts';
import { importWorld, repository } from '../../support/import-world.ts';
import type { ImportWorld } from '../../support/import-world.ts';

const claims = `amlpromote/claims/${repository}`;

const claimed = async ({ sec }: ImportWorld): Promise<readonly string[]> => sec.repository(claims).tags();

/** Ends an import right after its claims. */
const endsClaimed: Pick<ImportPorts, 'progress'> = {
  progress: (event) => {
    if (event.type === 'effect' && event.effect === 'claimed' && event.subject.endsWith(':1.4.0'))
      throw new Error('killed');
  },
};

test('counter and version are claimed, and the claims locked, before anything is in the final repository', async (t) => {
  const world = await importWorld();
  const { document } = await world.release();
  await t.throwsAsync(world.import(document, endsClaimed), { message: 'killed' });
  t.deepEqual(await claimed(world), ['1.4.0', 'release-7']);
  for (const tag of ['1.4.0', 'release-7']) t.true(world.locks.locked.has(`${claims}:${tag}`));
  t.deepEqual(await world.tags(), {});
});

test('a claim is in nobody’s way who imports the same', async (t) => {
  const world = await importWorld();
  const { document, image } = await world.release();
  await t.throwsAsync(world.import(document, endsClaimed), { message: 'killed' });
  await world.import(document);
  const before = await world.state();
  t.true((await world.import(document)).already);
  t.deepEqual(await world.state(), before);
  // The same image under another counter has the same version.
  const next = await world.release({ counter: 8, report: { finishedAt: '2026-11-21T10:30:00Z' } });
  await world.import(next.document);
  t.like(await world.tags(), { '1.4.0': image.digest, 'release-8': next.index.digest });
});

test('what an import that died had claimed goes to nobody else; the message says how it is given up', async (t) => {
  for (const [options, tag] of [
    [{ flavour: 'other', counter: 8 }, '1.4.0'],
    [{ flavour: 'other', version: '1.5.0' }, 'release-7'],
  ] as const) {
    const world = await importWorld();
    const first = await world.release();
    await t.throwsAsync(world.import(first.document, endsClaimed), { message: 'killed' });
    const { document } = await world.release(options);
    const error = await t.throwsAsync(world.import(document), { instanceOf: AmlpromoteError });
    t.is(error.code, 'TAG_CONFLICT');
    t.true(error.message.includes(tag === '1.4.0' ? first.image.digest : first.index.digest), error.message);
    t.true(error.nextSteps.some((step) => step.includes(`${claims}:${tag}`)));
    t.deepEqual(await world.receipts(), []);
  }
});

test('a claim that nobody locked binds nobody: whoever may push could have put it there', async (t) => {
  const world = await importWorld();
  const { document } = await world.release();
  const junk = await world.release({ flavour: 'junk', counter: 9 });
  const content = await world.dev.repository(repository).manifest(junk.image.digest);
  for (const tag of ['1.4.0', 'release-7']) world.sec.putManifest(claims, content!, tag);
  await world.import(document);
  t.true(world.locks.locked.has(`${claims}:release-7`));
});

test('where claims cannot be written or locked, imports go on, and say so', async (t) => {
  const denied = async (): Promise<never> =>
    Promise.reject(new AmlpromoteError('FORBIDDEN', 'no right to write there'));
  for (const what of ['write', 'lock'] as const) {
    const world = await importWorld();
    const { document, image } = await world.release();
    const { locks, registry } = world.ports;
    const narrow: Registry = {
      host: registry.host,
      repository: (name) =>
        name === claims && what === 'write'
          ? { ...registry.repository(name), pushManifest: denied, pushBlob: denied }
          : registry.repository(name),
    };
    await world.import(document, {
      registry: narrow,
      locks: {
        ...locks,
        lockTag: async (name, tag) => (name === claims ? denied() : locks.lockTag(name, tag)),
      },
    });
    t.like(await world.tags(), { '1.4.0': image.digest });
    const told = world.events.some((event) => event.type === 'note' && event.message.includes(claims));
    t.is(told, what === 'write');
  }
});
