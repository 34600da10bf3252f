import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { createAcrImporter } from '../../../src/adapters/acr/importer.ts';
import { createAcrInventory, createAcrRemover } from '../../../src/adapters/acr/inventory.ts';
import { createAcrLocks } from '../../../src/adapters/acr/locks.ts';
import { createCredential } from '../../../src/adapters/identity/credential.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { silent } from '../../../src/domain/events.ts';
import { accessOf, loadZones } from '../../../src/manifest/zones.ts';
import { createAgent } from '../../../src/network/agent.ts';
import type { RoleAssignment } from '../../../sandbox/identity/roles.ts';
import type { RunningSandbox } from '../../../sandbox/index.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { startTestSandbox } from '../../../sandbox/test/support/sandbox.ts';
import type { Made } from '../../../sandbox/test/support/content.ts';
import { makeImage, makeIndex, makeReferrer } from '../../../sandbox/test/support/content.ts';
import { loopbackOf } from '../../../sandbox/test/support/loopback.ts';

const repository = 'ml/churn-train';
const quarantine = 'quarantine/ml/churn-train';

/** The sensitive side exactly as the zones manifest of the sandbox describes it: workload identity, CA, resolve. */
async function startInside(t: ExecutionContext) {
  const sandbox = await startTestSandbox(t);
  const zones = await loadZones(join(sandbox.description.directory, 'zones.yaml'));
  const access = accessOf(zones, 'sensitive');
  const agent = createAgent(access.network);
  t.teardown(() => agent.destroy());
  const { nonsensitive, sensitive } = zones.zones;
  const clock = manualClock();
  const common = { credential: createCredential(access, agent), agent };
  const retry = { maxRetries: 1, retryDelayInMs: 1 };
  const importer = createAcrImporter({
    ...common,
    retry,
    targetRegistryId: sensitive.registry.id,
    sourceRegistryId: nonsensitive.registry.id,
    sourceHost: nonsensitive.registry.host,
    clock,
    deadlineSeconds: 60,
  });
  const { host, id } = sensitive.registry;
  const locks = createAcrLocks({ ...common, retry, host, registryId: id });
  const inventory = createAcrInventory({ ...common, retry, host, registryId: id });
  const remover = createAcrRemover({ ...common, retry, host, registryId: id });
  const carry = (content: Made): Promise<unknown> =>
    importer.carry({ sourceRepository: repository, targetRepository: quarantine, content, progress: silent });
  return { sandbox, carry, inventory, remover, locks, clock };
}

const head = async (sandbox: RunningSandbox, digest: string, where = quarantine): Promise<number> => {
  const { loopback } = sandbox.description.registries.sensitive;
  return (await fetch(`http://${loopback}/v2/${where}/manifests/${digest}`, { method: 'HEAD' })).status;
};

/** Takes roles away from the sandbox while it runs. */
function withoutRoles(sandbox: RunningSandbox, isGone: (role: RoleAssignment) => boolean): void {
  const file = join(sandbox.context.stateDirectory, 'roles.json');
  const roles = JSON.parse(readFileSync(file, 'utf8')) as RoleAssignment[];
  writeFileSync(file, JSON.stringify(roles.filter((role) => !isGone(role))));
}

const push = async (sandbox: RunningSandbox, ...made: readonly Made[]): Promise<void> => {
  for (const one of made) await loopbackOf(sandbox, 'nonsensitive').push(repository, one);
};

test('an index crosses with its children, untagged; again is done', async (t) => {
  const { sandbox, carry } = await startInside(t);
  const image = makeImage();
  const evidence = makeReferrer(image, 'application/vnd.cncf.notary.signature', { signed: true });
  const index = makeIndex([image, evidence]);
  await push(sandbox, image, evidence, index);
  await carry(index);
  for (const each of [image, evidence, index]) t.is(await head(sandbox, each.digest), 200);
  await t.notThrowsAsync(carry(index));
  const { loopback } = sandbox.description.registries.sensitive;
  const tags = (await (await fetch(`http://${loopback}/v2/${quarantine}/tags/list`)).json()) as {
    tags: unknown;
  };
  t.deepEqual(tags.tags ?? [], []);
});

test('a digest that the source does not have is a definite no', async (t) => {
  const { carry } = await startInside(t);
  const error = await t.throwsAsync(carry(makeImage()), { instanceOf: AmlpromoteError });
  t.is(error.code, 'LISTED_CONTENT_MISSING', error.message);
});

test('an operation that ends as failed, and one that never ends', async (t) => {
  const { sandbox, carry, clock } = await startInside(t);
  const image = makeImage();
  await push(sandbox, image);
  const remove = sandbox.faults.add({
    action: { kind: 'fail-operation', code: 'InternalError', message: 'Error copying blobs. Please retry' },
  });
  const failed = await t.throwsAsync(carry(image), { instanceOf: AmlpromoteError });
  t.is(failed.code, 'OPERATION_FAILED');
  remove();
  const removeEndless = sandbox.faults.add({ action: { kind: 'endless-operation' } });
  const endless = await t.throwsAsync(carry(image), { instanceOf: AmlpromoteError });
  t.is(endless.code, 'TIMEOUT');
  t.true(clock.slept.length > 3);
  removeEndless();
  await carry(image);
  t.is(await head(sandbox, image.digest), 200);
});

for (const [zone, registry] of [
  ['target', 'contososec'],
  ['source', 'contosodev'],
] as const) {
  test(`without the importer's role on the ${zone}: FORBIDDEN, which names the registry`, async (t) => {
    const { sandbox, carry } = await startInside(t);
    const image = makeImage();
    await push(sandbox, image);
    withoutRoles(
      sandbox,
      ({ role, scope }) => role.startsWith('Container Registry Data Importer') && scope.endsWith(registry),
    );
    const error = await t.throwsAsync(carry(image), { instanceOf: AmlpromoteError });
    t.is(error.code, 'FORBIDDEN');
    t.regex(error.nextSteps.join(' '), new RegExp(`Data Importer and Data Reader" on .*/${registry}`));
  });
}

test('a token file that is gone is UNAUTHENTICATED and named', async (t) => {
  const { sandbox, carry } = await startInside(t);
  const file = join(sandbox.description.directory, 'inside', 'token');
  rmSync(file);
  const error = await t.throwsAsync(carry(makeImage()), { instanceOf: AmlpromoteError });
  t.is(error.code, 'UNAUTHENTICATED');
  t.true(error.message.includes(file));
});

test('locked content can neither be deleted nor overwritten', async (t) => {
  const { sandbox, locks } = await startInside(t);
  const [image, other] = [makeImage(), makeImage()];
  const inside = loopbackOf(sandbox, 'sensitive');
  await inside.push(repository, image, '1.4.0');
  await inside.push(repository, other);
  await locks.lockManifest(repository, image.digest);
  await locks.lockTag(repository, '1.4.0');
  await locks.lockTag(repository, '1.4.0');
  t.not((await inside.putManifest(repository, '1.4.0', other)).status, 201);
  const { loopback } = sandbox.description.registries.sensitive;
  const url = `http://${loopback}/v2/${repository}/manifests/${image.digest}`;
  t.not((await fetch(url, { method: 'DELETE' })).status, 202);
  t.is(await head(sandbox, image.digest, repository), 200);
});

test('a locked manifest takes another tag only when it is unlocked', async (t) => {
  const { sandbox, locks } = await startInside(t);
  const image = makeImage();
  const inside = loopbackOf(sandbox, 'sensitive');
  await inside.push(repository, image, '1.4.0');
  await locks.lockManifest(repository, image.digest);
  t.is((await inside.putManifest(repository, '1.5.0', image)).status, 405);
  await locks.unlockManifest(repository, image.digest);
  t.is((await inside.putManifest(repository, '1.5.0', image)).status, 201);
});

test('a manifest that is not there cannot be locked: NOT_FOUND', async (t) => {
  const { sandbox, locks } = await startInside(t);
  await loopbackOf(sandbox, 'sensitive').push(repository, makeImage());
  const error = await t.throwsAsync(locks.lockManifest(repository, makeImage().digest), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'NOT_FOUND');
});

test('without the right to write metadata a lock is FORBIDDEN', async (t) => {
  const { sandbox, locks } = await startInside(t);
  const image = makeImage();
  await loopbackOf(sandbox, 'sensitive').push(repository, image);
  withoutRoles(sandbox, ({ role, scope }) => role === 'AcrPush' && scope.endsWith('contososec'));
  const error = await t.throwsAsync(locks.lockManifest(repository, image.digest), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'FORBIDDEN');
  t.regex(error.nextSteps.join(' '), /Container Registry Repository Writer/);
});

test('manifests without a tag are listed with the time of their arrival; a repository that is not there has none', async (t) => {
  const { sandbox, inventory } = await startInside(t);
  const image = makeImage();
  await loopbackOf(sandbox, 'sensitive').push(quarantine, image);
  const [listed, ...more] = await inventory.list(quarantine);
  t.deepEqual(more, []);
  t.is(listed?.digest, image.digest);
  t.regex(listed?.arrivedAt ?? '', /^\d{4}-\d\d-\d\dT/);
  t.deepEqual(await inventory.list('quarantine/ml/nothing'), []);
});

test('manifests of quarantine are removed, once or twice; of no other repository', async (t) => {
  const { sandbox, remover } = await startInside(t);
  const image = makeImage();
  await loopbackOf(sandbox, 'sensitive').push(quarantine, image);
  await loopbackOf(sandbox, 'sensitive').push(repository, image);
  await remover.remove(quarantine, image.digest);
  await remover.remove(quarantine, image.digest);
  t.is(await head(sandbox, image.digest, quarantine), 404);
  await t.throwsAsync(remover.remove(repository, image.digest), { instanceOf: TypeError });
  t.is(await head(sandbox, image.digest, repository), 200);
});

test('without the right to delete, a removal is FORBIDDEN', async (t) => {
  const { sandbox, remover } = await startInside(t);
  const image = makeImage();
  await loopbackOf(sandbox, 'sensitive').push(quarantine, image);
  withoutRoles(sandbox, ({ role }) => role === 'AcrDelete');
  const error = await t.throwsAsync(remover.remove(quarantine, image.digest), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'FORBIDDEN');
  t.regex(error.nextSteps.join(' '), /AcrDelete/);
});

test('the right to delete that the sandbox gives ends at quarantine', async (t) => {
  const { sandbox } = await startInside(t);
  const may = (repo: string) =>
    sandbox.context.roles.allows(
      'inside-promoter',
      sandbox.context.topology.registries.sensitive.id,
      'Microsoft.ContainerRegistry/registries/artifacts/delete',
      repo,
    );
  t.true(may(quarantine));
  t.false(may(repository));
});
