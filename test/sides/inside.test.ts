import { loadTrust } from '../../src/evidence/trust.ts';
import test from 'ava';
import type { Digest } from '../../src/domain/digest.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import type { ReleaseDocument } from '../../src/domain/release.ts';
import { createInside } from '../../src/sides/inside.ts';
import type { InsidePorts } from '../../src/sides/inside.ts';
import { promoteInside } from '../../src/sides/promote.ts';
import { memoryZones, newStore, prepareGround, startRun } from '../support/memory-zones.ts';
import type { MemoryZones, RunOptions } from '../support/memory-zones.ts';
import { pushRelease, testPolicy } from '../support/signed-release.ts';
import type { ReleaseOptions } from '../support/signed-release.ts';

const ground = await prepareGround();
const store = newStore(ground);
const repository = 'ml/churn-train';

const smoke = { command: 'python -c 1', inputs: {}, outputs: {}, timeoutSeconds: 60 };

async function setUp(options: Partial<ReleaseOptions> = {}) {
  const world = memoryZones();
  const made = await pushRelease(world.dev.repository(repository), {
    now: world.clock.now(),
    signer: ground.identities.releaseSigner,
    carried: { smoke },
    ...options,
  });
  const document: ReleaseDocument = { ...made.document, registry: world.dev.host };
  const start = (more: Partial<RunOptions> = {}) => startRun(ground, world, { store, ...more }).inside;
  return { world, made, document, start };
}

const isUntouched = (world: MemoryZones): boolean =>
  world.sec.calls.length === 0 && world.importer.requests.length === 0 && world.workspace.calls.length === 0;

test('a release of another registry is refused by every step, before anything is asked', async (t) => {
  const { world, document, start } = await setUp();
  const foreign = { ...document, registry: 'evil.azurecr.io' };
  const inside = start();
  for (const step of [
    () => inside.import(foreign),
    () => inside.verify(foreign),
    () => inside.register(foreign, {}),
    () => inside.run(foreign, {}),
    () => promoteInside(inside, foreign, {}),
  ]) {
    const error = await t.throwsAsync(step, { instanceOf: AmlpromoteError });
    t.is(error.code, 'ROUTE_NOT_APPROVED');
    t.regex(error.message, /evil\.azurecr\.io.*contosodev\.azurecr\.io/);
  }
  t.true(isUntouched(world));
});

test('a repository that no workspace may use is not carried', async (t) => {
  const { world, document, start } = await setUp();
  const error = await t.throwsAsync(promoteInside(start(), { ...document, repository: 'ml/secret' }, {}), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'NOT_ADMITTED');
  t.true(isUntouched(world));
});

test('verify asks for no key and no workspace', async (t) => {
  const { world, document } = await setUp();
  await startRun(ground, world, { store }).inside.import(document);
  const never = async (): Promise<never> => Promise.reject(new Error('not needed here'));
  const ports: InsidePorts = {
    registry: async () => world.locks.registry,
    importer: never,
    locks: never,
    inventory: never,
    remover: never,
    signer: never,
    workspace: never,
    records: never,
    clock: world.clock,
    trust: async () => loadTrust(ground.policy),
    progress: () => undefined,
    toolVersion: '0.1.0',
  };
  const { verdict } = await createInside(ground.zones, ports).verify(document);
  t.is(verdict, 'allowed');
});

test('register and run believe no earlier verdict', async (t) => {
  const changes: readonly [ErrorCode, (world: MemoryZones, digest: Digest) => void][] = [
    ['LISTED_CONTENT_MISSING', ({ sec }, digest) => sec.drop(digest)],
    ['INTEGRITY_MISMATCH', ({ sec }, digest) => sec.corrupt(digest, Buffer.from('{}'))],
    [
      'INCONCLUSIVE',
      ({ sec }) => sec.fail(Infinity, new AmlpromoteError('UNREACHABLE', 'reset'), 'manifest'),
    ],
  ];
  for (const [code, change] of changes) {
    const { world, document, made: mine, start } = await setUp();
    await start().import(document);
    change(world, mine.parts.sbom!.digest);
    for (const step of [() => start().register(document, {}), () => start().run(document, {})]) {
      const error = await t.throwsAsync(step, { instanceOf: AmlpromoteError });
      t.is(error.code, code);
    }
    t.deepEqual(world.workspace.calls, []);
  }
});

test('a policy that has become stricter holds for what was admitted before', async (t) => {
  const { world, document, start } = await setUp();
  await start().import(document);
  const policy = await testPolicy(ground.identities, {
    trust: { ...ground.policy.trust },
    image: { forbidRoot: true },
  });
  const error = await t.throwsAsync(start({ policy }).register(document, {}), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'POLICY_REFUSED');
  t.deepEqual(world.workspace.calls, []);
});

test('nothing that was not imported is registered', async (t) => {
  const { world, document, start } = await setUp();
  const error = await t.throwsAsync(start().register(document, {}), { instanceOf: AmlpromoteError });
  t.is(error.code, 'INCONCLUSIVE');
  t.regex(error.message, /was the release imported/);
  t.deepEqual(world.workspace.calls, []);
});

test('import, register, run; a release without a smoke job has none', async (t) => {
  const { document, start } = await setUp();
  const whole = await promoteInside(start(), document, {});
  t.is(whole.run?.job.status, 'Completed');
  const plain = await setUp({ carried: {} });
  const done = await promoteInside(plain.start(), plain.document, {});
  t.is(done.run, undefined);
  t.is(done.register.image, done.import.reference);
  t.deepEqual(plain.world.workspace.submitted, []);
});
