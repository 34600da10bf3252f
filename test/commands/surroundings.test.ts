import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { stopSandbox } from '../../sandbox/lifecycle.ts';
import { startTwoZones } from '../support/two-zones.ts';
import type { TwoZones } from '../support/two-zones.ts';

/** init, store, status and sandbox: what is around the promotion. */
let world: TwoZones;
test.before(async () => {
  world = await startTwoZones();
});
test.after.always(() => world.close());

const organisation = ['--organisation', 'Fabrikam', '--state', 'Kanto', '--country', 'JP'];

test.serial('init writes both sides, keeps what is there, and shows no key', async (t) => {
  const dir = world.file('init');
  const first = await world.json(t, 'init', ['init', '--dir', dir, ...organisation]);
  t.deepEqual(first.kept, []);
  for (const file of [
    'zones.yaml',
    'outside/policy.yaml',
    'outside/key.pem',
    'outside/cert.pem',
    'inside/key.pem',
  ])
    t.true(existsSync(path.join(dir, file)), file);
  const key = readFileSync(path.join(dir, 'outside/key.pem'), 'utf8');
  const second = await world.json(t, 'init', ['init', '--dir', dir, ...organisation]);
  t.deepEqual(second.written, []);
  t.true(second.kept.includes('outside/policy.yaml'));
  t.is(readFileSync(path.join(dir, 'outside/key.pem'), 'utf8'), key);
  const { stdout } = await world.run(t, ['init', '--dir', dir, ...organisation]);
  t.regex(stdout, /^kept +zones\.yaml$/m);
  t.regex(stdout, /^next +/m);
  t.is((await world.run(t, ['init', '--dir', dir])).exitCode, 2);
});

test.serial('the policy that init writes is the strict one: the fixture is too old for it', async (t) => {
  const dir = world.file('init-used');
  await world.json(t, 'init', ['init', '--dir', dir, ...organisation]);
  const { file } = world.image('fabrikam');
  const own = ['--policy', path.join(dir, 'outside/policy.yaml')];
  await world.json(t, 'build', ['build', file]);
  await world.json(t, 'publish', ['publish', file]);
  const scanned = await world.json(t, 'scan', ['scan', file, ...own], { exitCode: 20 });
  t.deepEqual(
    scanned.reasons.map(({ code }) => code),
    ['STALE_DATABASE'],
  );
  const key = [
    '--key',
    path.join(dir, 'outside/key.pem'),
    '--certificate',
    path.join(dir, 'outside/cert.pem'),
  ];
  await world.refused(t, ['sign', file, ...own, ...key], {
    exitCode: 20,
    code: 'INCONCLUSIVE',
    message: /STALE_DATABASE/,
  });
});

test.serial('status: by manifest and by release.json, and what a side cannot see', async (t) => {
  const { file, digest } = world.image('status');
  const release = world.file('status.json');
  const before = await world.json(t, 'status', ['status', file]);
  t.deepEqual(before.outside, { releases: [] });
  await world.json(t, 'promote', ['promote', file, '--out', release]);
  const after = await world.json(t, 'status', ['status', file]);
  if (typeof after.outside === 'string' || typeof after.inside === 'string') return t.fail();
  t.like(after.outside, { built: digest, published: digest });
  t.is(after.outside.releases[0]?.counter, 1);
  t.deepEqual(after.inside.delivered, { digest, tag: '1.4.0' });
  t.is(after.inside.receipts, 1);
  t.is(after.inside.environments[0]?.workspace, 'risk');

  const byRelease = await world.json(t, 'status', ['status', release]);
  t.like(byRelease.outside, { published: digest });
  const inside = await world.json(t, 'status', ['status', release, '--zones', world.zones.inside]);
  t.is(inside.outside, 'not visible from here');
  t.deepEqual(inside.inside, after.inside);
  const outside = await world.json(t, 'status', ['status', file, '--zones', world.zones.outside]);
  t.is(outside.inside, 'not visible from here');
  const { stdout } = await world.run(t, ['status', file]);
  t.regex(stdout, /^status 1\.4\.0 \(ml\/status\)$/m);
});

test.serial('status changes nothing', async (t) => {
  const { file } = world.image('untouched');
  const changes = (): number =>
    ['PUT', 'PATCH', 'DELETE'].reduce((sum, method) => sum + world.requests({ method }), 0);
  const before = changes();
  await world.json(t, 'status', ['status', file], { env: { AMLPROMOTE_STORE: world.file('status-store') } });
  t.is(changes(), before);
});

test.serial('store prune frees what is not needed and keeps what is', async (t) => {
  const { file } = world.image('pruned');
  const store = { env: { AMLPROMOTE_STORE: world.file('prune-store') } };
  t.deepEqual(await world.json(t, 'store-prune', ['store', 'prune'], store), { removed: 0, bytes: 0 });
  const nothing = await world.run(t, ['store', 'prune', '--store', world.file('no-store')]);
  t.regex(nothing.stdout, /no-store: there is no store, so nothing was pruned/);
  t.false(existsSync(world.file('no-store')));
  await world.json(t, 'build', ['build', file], store);
  await world.json(t, 'store-prune', ['store', 'prune'], store);
  t.true((await world.json(t, 'build', ['build', file], store)).already);
  const { stdout } = await world.run(t, ['store', 'prune', '--store', world.file('prune-store')]);
  t.regex(stdout, /prune-store: 0 files removed, 0 B freed$/m);
});

test.serial('sandbox: start, status and stop; starting again finds it', async (t) => {
  const dir = world.file('another');
  const none = await world.json(t, 'sandbox', ['sandbox', 'status', '--dir', dir]);
  t.deepEqual(none, { running: false, directory: dir });
  t.like(await world.json(t, 'sandbox', ['sandbox', 'stop', '--dir', dir]), { stopped: false });

  const started = await world.json(t, 'sandbox', ['sandbox', 'start', '--dir', dir, '--detach']);
  t.teardown(() => stopSandbox(dir));
  t.true(started.running);
  t.like(started, {
    workspace: { key: 'risk' },
    registries: { sensitive: { host: 'contososec.azurecr.io' } },
  });
  t.deepEqual(await world.json(t, 'sandbox', ['sandbox', 'status', '--dir', dir]), started);
  t.deepEqual(await world.json(t, 'sandbox', ['sandbox', 'start', '--dir', dir, '--detach']), started);
  const told = await world.run(t, ['sandbox', 'status', '--dir', dir]);
  t.regex(told.stdout, /^contosodev\.azurecr\.io +127\.0\.0\.1:\d+ \(plain http/m);

  // `--zones DIR/zones.yaml` alone is enough.
  const { file } = world.image('elsewhere');
  const promoted = await world.json(t, 'promote', ['promote', file, '--zones', path.join(dir, 'zones.yaml')]);
  t.truthy(promoted.environment);

  t.like(await world.json(t, 'sandbox', ['sandbox', 'stop', '--dir', dir]), {
    running: false,
    stopped: true,
  });
  t.false((await world.json(t, 'sandbox', ['sandbox', 'status', '--dir', dir])).running);
});

test.serial('sandbox start stays until Ctrl-C; a second one in the same folder is a mistake', async (t) => {
  await world.refused(t, ['sandbox', 'start', '--dir', world.directory], { exitCode: 2, code: 'USAGE' });
  const dir = world.file('foreground');
  const interrupt = setInterval(() => {
    if (!existsSync(path.join(dir, 'state/control.json'))) return;
    clearInterval(interrupt);
    process.emit('SIGINT');
  }, 10);
  t.teardown(() => {
    clearInterval(interrupt);
  });
  const document = await world.json(t, 'sandbox', ['sandbox', 'start', '--dir', dir]);
  t.is(document.pid, process.pid);
});
