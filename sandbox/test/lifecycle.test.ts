import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { loadZones } from '../../src/manifest/zones.ts';
import { startDetached } from '../detach.ts';
import { sandboxStatus, stopSandbox } from '../lifecycle.ts';
import { readJson } from '../store/files.ts';
import { identities, registries, tenant, workspace } from '../topology.ts';
import { makeImage } from './support/content.ts';
import { loopbackOf } from './support/loopback.ts';
import { startTestSandbox, temporaryDirectory } from './support/sandbox.ts';

test('writes a zones manifest for both sides and one for each, which the product can load', async (t) => {
  const sandbox = await startTestSandbox(t);
  const { directory, ports } = sandbox.description;
  const [both, outside, inside] = await Promise.all(
    ['', 'outside', 'inside'].map((side) => loadZones(join(directory, side, 'zones.yaml'))),
  );
  const access = (side: 'outside' | 'inside') => ({
    tenant,
    identity: {
      kind: 'workload',
      clientId: identities[`${side}-promoter`].clientId,
      tokenFile: join(directory, side, 'token'),
    },
    network: { resolve: { '*': `127.0.0.1:${ports[side]}` }, ca: join(directory, 'ca.pem') },
  });
  t.deepEqual<unknown, unknown>(both?.zones.nonsensitive.access, access('outside'));
  t.deepEqual<unknown, unknown>(both?.zones.sensitive.access, access('inside'));
  t.deepEqual<unknown, unknown>(outside?.zones.nonsensitive.access, access('outside'));
  t.is(outside?.zones.sensitive.access, undefined);
  t.is(inside?.zones.nonsensitive.access, undefined);
  t.deepEqual<unknown, unknown>(inside?.zones.sensitive.access, access('inside'));
  const { host, id } = registries.nonsensitive;
  t.deepEqual(inside?.zones.nonsensitive.registry, { host, id });
  t.deepEqual(both?.zones.sensitive.admits, [{ repository: 'ml/*', workspaces: ['risk'] }]);
  t.deepEqual(both?.zones.sensitive.workspaces, {
    risk: { id: workspace.id, compute: { cpu: 'cpu-cluster' } },
  });
  t.deepEqual(both?.routes, [{ from: 'nonsensitive', to: 'sensitive', via: 'acr-import' }]);
  t.deepEqual<unknown, unknown>(readJson(join(directory, 'sandbox.json')), sandbox.description);
});

test('secrets are for the owner only', async (t) => {
  const { directory } = (await startTestSandbox(t)).description;
  const files = [
    'outside/token',
    'inside/token',
    'outside/client-secret',
    'inside/client-secret',
    'inside/managed-identity.env',
    'state/token-key.pem',
    'state/tls-key.pem',
    'state/control.json',
  ];
  for (const file of files) t.is(statSync(join(directory, file)).mode & 0o777, 0o600, file);
});

test('a restart keeps content, ports, certificates and what the user changed', async (t) => {
  const first = await startTestSandbox(t);
  const { directory, ports, registries: names } = first.description;
  const image = makeImage();
  await loopbackOf(first, 'nonsensitive').push('team/a', image, 'v1');
  const begun = await loopbackOf(first, 'nonsensitive').call('/v2/team/a/blobs/uploads/', { method: 'POST' });
  const upload = begun.headers.get('location') ?? '';
  await loopbackOf(first, 'nonsensitive').call(upload, { method: 'PATCH', body: 'half' });
  const zones = join(directory, 'zones.yaml');
  writeFileSync(zones, `${readFileSync(zones, 'utf8')}# mine\n`);
  const ca = readFileSync(join(directory, 'ca.pem'), 'utf8');
  await first.stop();
  const second = await startTestSandbox(t, { dir: directory });
  t.deepEqual(second.description.ports, ports);
  t.deepEqual(second.description.registries, names);
  const { manifest, call } = loopbackOf(second, 'nonsensitive');
  t.deepEqual(Buffer.from(await (await manifest('team/a', 'v1')).arrayBuffer()), image.bytes);
  t.is((await call(upload)).headers.get('range'), '0-3');
  t.true(readFileSync(zones, 'utf8').endsWith('# mine\n'));
  t.is(readFileSync(join(directory, 'ca.pem'), 'utf8'), ca);
});

test('a port that is taken is replaced, in the manifests too', async (t) => {
  const first = await startTestSandbox(t);
  const { directory, ports } = first.description;
  await first.stop();
  const squatter = createServer();
  await once(squatter.listen(ports.outside, '127.0.0.1'), 'listening');
  t.teardown(() => squatter.close());
  const second = await startTestSandbox(t, { dir: directory });
  t.not(second.description.ports.outside, ports.outside);
  t.is(second.description.ports.inside, ports.inside);
  const zones = await loadZones(join(directory, 'outside', 'zones.yaml'));
  t.is(
    zones.zones.nonsensitive.access?.network.resolve?.['*'],
    `127.0.0.1:${second.description.ports.outside}`,
  );
});

test('two sandboxes live side by side, two in one directory do not', async (t) => {
  const [one, two] = await Promise.all([startTestSandbox(t), startTestSandbox(t)]);
  await loopbackOf(one, 'sensitive').push('team/a', makeImage(), 'v1');
  t.is((await loopbackOf(two, 'sensitive').manifest('team/a', 'v1')).status, 404);
  await t.throwsAsync(startTestSandbox(t, { dir: one.description.directory }), { code: 'USAGE' });
});

test('status and stop ask the sandbox itself, not just for its pid', async (t) => {
  const sandbox = await startTestSandbox(t);
  const { directory } = sandbox.description;
  t.true((await sandboxStatus(directory)).running);
  t.true(await stopSandbox(directory));
  await sandbox.stopped;
  // sandbox.json still names this process, which is alive.
  t.deepEqual(await sandboxStatus(directory), { running: false, description: sandbox.description });
  t.false(await stopSandbox(directory));
  t.false((await sandboxStatus(temporaryDirectory(t))).running);
});

test('detached, it outlives the call that started it and ends when told', async (t) => {
  const dir = temporaryDirectory(t);
  t.teardown(() => stopSandbox(dir));
  const description = await startDetached({ dir });
  t.not(description.pid, process.pid);
  t.deepEqual(await startDetached({ dir }), description);
  const response = await fetch(`http://${description.registries.sensitive.loopback}/v2/`);
  t.is(response.status, 200);
  t.true(await stopSandbox(dir));
  t.throws(() => process.kill(description.pid, 0), { code: 'ESRCH' });
});

test('the event log names requests without their secrets', async (t) => {
  const sandbox = await startTestSandbox(t);
  await loopbackOf(sandbox, 'sensitive').call('/v2/_catalog?n=5');
  const { time, ...event } = sandbox.events.recent().at(-1) ?? { time: '' };
  t.regex(time, /Z$/);
  t.deepEqual<unknown, unknown>(event, {
    vantage: 'loopback',
    method: 'GET',
    host: registries.sensitive.host,
    path: '/v2/_catalog',
    status: 200,
  });
});
