import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type { Fault } from '../../sandbox/index.ts';
import { registries } from '../../sandbox/topology.ts';
import { startTwoZones } from '../support/two-zones.ts';
import type { TwoZones } from '../support/two-zones.ts';

/** What a registry may answer, and what an operator is told. */
let world: TwoZones;
/** Built, and not published. */
let image: string;
test.before(async () => {
  world = await startTwoZones();
});
test.after.always(() => world.close());
test.afterEach.always(() => world.sandbox.faults.clear());

const { host } = registries.nonsensitive;
const onRegistry = (fault: Fault): (() => void) =>
  world.sandbox.faults.add({ host: `^${host.replaceAll('.', '\\.')}$`, ...fault });
const says = (code: string, message: string): object => ({ errors: [{ code, message }] });

test.serial('built, for all that follows', async (t) => {
  const { file } = world.image('registry');
  await world.json(t, 'build', ['build', file]);
  image = file;
});

const patience = { 'retry-after': '3600' };

for (const [title, code, fault, message, advice] of [
  [
    'a token that is never accepted',
    'UNAUTHENTICATED',
    { path: '^/v2/', action: { kind: 'expired-token' } },
    /401/,
    /identity/,
  ],
  [
    'a role that is missing',
    'FORBIDDEN',
    {
      path: '/uploads/',
      action: { kind: 'status', status: 403, body: says('DENIED', 'requested access is denied') },
    },
    /403 \(DENIED: requested access is denied\)/,
    /AcrPush/,
  ],
  [
    'a network rule',
    'NETWORK_DENIED',
    {
      action: {
        kind: 'status',
        status: 403,
        body: says('DENIED', "client with IP '203.0.113.7' is not allowed access."),
      },
    },
    /203\.0\.113\.7/,
    /private endpoint/,
  ],
  [
    'a repository that does not exist and may not be made',
    'NOT_FOUND',
    { path: '/uploads/', action: { kind: 'status', status: 404, body: says('NAME_UNKNOWN', 'not known') } },
    /404 \(NAME_UNKNOWN/,
    /repository/,
  ],
  [
    'throttling that asks for more patience than we have',
    'THROTTLED',
    { path: '^/v2/', action: { kind: 'status', status: 429, headers: patience } },
    /429/,
    /run again/i,
  ],
  [
    'an outage',
    'SERVICE_FAILED',
    { path: '^/v2/', action: { kind: 'status', status: 503, headers: patience } },
    /503/,
    /Run again/,
  ],
] as const)
  test.serial(`${title}: exit 20, ${code}`, async (t) => {
    onRegistry(fault);
    const { nextSteps } = await world.refused(t, ['publish', image], { exitCode: 20, code, message });
    t.regex(nextSteps.join(' '), advice);
  });

test.serial('connections that are cut again and again: exit 20', async (t) => {
  onRegistry({ path: '/uploads/', action: { kind: 'reset' } });
  const { error } = await world.json(t, 'error', ['publish', image], { exitCode: 20 });
  t.is(error.code, 'UNREACHABLE');
  t.regex(error.message, new RegExp(host));
});

for (const [title, fault] of [
  [
    'throttled once',
    { path: '^/v2/', action: { kind: 'status', status: 429, headers: { 'retry-after': '0' } } },
  ],
  ['out of order once', { path: '^/v2/', action: { kind: 'status', status: 503 } }],
  ['cut in the middle of an upload', { method: 'PUT', path: '^/v2/', action: { kind: 'reset' } }],
  ['with a token that expired meanwhile', { path: '^/v2/', skip: 2, action: { kind: 'expired-token' } }],
] as const)
  test.serial(`${title}: recovers by itself`, async (t) => {
    const { file, digest } = world.image(`registry-${title.replaceAll(' ', '-')}`);
    await world.json(t, 'build', ['build', file]);
    onRegistry({ ...(fault as Fault), count: 1 });
    const published = await world.json(t, 'publish', ['publish', file]);
    t.is(published.image.digest, digest);
    t.false(published.already);
    t.true((await world.json(t, 'publish', ['publish', file])).already);
  });

test.serial(
  'content that is not what its digest says: exit 10, although the registry vouches for it',
  async (t) => {
    const { file, digest } = world.image('corrupted');
    await world.json(t, 'promote', ['promote', file, '--outside', '--out', world.file('corrupted.json')]);
    const reference = `${host}/ml/corrupted@${digest}`;
    t.is((await world.json(t, 'verify', ['verify', reference])).verdict, 'allowed');
    onRegistry({ method: 'GET', path: '/manifests/', action: { kind: 'corrupt' } });
    const verified = await world.json(t, 'verify', ['verify', reference], { exitCode: 10 });
    t.is(verified.verdict, 'refused');
    world.sandbox.faults.clear();
    onRegistry({ method: 'HEAD', path: '/manifests/', action: { kind: 'wrong-digest' } });
    await world.refused(t, ['verify', reference], { exitCode: 10, code: 'INTEGRITY_MISMATCH' });
  },
);

test.serial('content that ends too early is "could not check", never a "no"', async (t) => {
  const { file, digest } = world.image('truncated');
  await world.json(t, 'promote', ['promote', file, '--outside', '--out', world.file('truncated.json')]);
  onRegistry({ method: 'GET', path: `/manifests/${digest}`, action: { kind: 'truncate', after: 40 } });
  const { verdict } = await world.json(t, 'verify', ['verify', `${host}/ml/truncated@${digest}`], {
    exitCode: 20,
  });
  t.is(verdict, 'inconclusive');
});

test.serial('an image that is not there: exit 20, and where it would come from', async (t) => {
  for (const command of ['scan', 'sign', 'verify'])
    await world.refused(t, [command, `${host}/ml/none:1.0.0`], { exitCode: 20, code: 'NOT_FOUND' });
});

test.serial('a reference to another registry, without tag and digest, or to a release', async (t) => {
  const usage = { exitCode: 2, code: 'USAGE' } as const;
  for (const command of ['scan', 'sign', 'verify']) {
    await world.refused(t, [command, 'docker.io/library/debian:12'], usage);
    await world.refused(t, [command, `${host}/ml/registry`], usage);
  }
  await world.refused(t, ['verify', `${host}/ml/registry:release-1`], { ...usage, message: /not an image/ });
});

test.serial(
  'an image of the registry by reference: scanned, signed and verified without a manifest',
  async (t) => {
    const { file, digest } = world.image('by-reference');
    await world.json(t, 'build', ['build', file]);
    await world.json(t, 'publish', ['publish', file]);
    const reference = `${host}/ml/by-reference@${digest}`;
    const store = { env: { AMLPROMOTE_STORE: world.file('empty-store') } };
    t.is((await world.json(t, 'scan', ['scan', reference], store)).verdict, 'allowed');
    const unsigned = await world.json(t, 'verify', ['verify', reference], { exitCode: 10 });
    t.is(
      unsigned.rules.find(({ rule }) => rule === 'image-signature')?.reasons[0]?.code,
      'SIGNATURE_MISSING',
    );
  },
);

test.serial('an identity that Entra ID does not know: exit 20, and the line that is wrong', async (t) => {
  const zones = path.join(world.directory, 'stranger.yaml');
  const text = readFileSync(world.zones.both, 'utf8');
  writeFileSync(zones, text.replace(/clientId: \S+/, 'clientId: 99999999-0000-4000-8000-000000000000'));
  const { nextSteps } = await world.refused(t, ['publish', image, '--zones', zones], {
    exitCode: 20,
    code: 'UNAUTHENTICATED',
    message: /AADSTS/,
  });
  t.regex(nextSteps.join(' '), /clientId/);
  const token = path.join(world.directory, 'empty-token');
  writeFileSync(token, '');
  writeFileSync(zones, text.replace('./outside/token', './empty-token'));
  await world.refused(t, ['publish', image, '--zones', zones], {
    exitCode: 20,
    code: 'UNAUTHENTICATED',
    message: /empty-token is empty/,
  });
});

test.serial('from the wrong network each zone is denied, whatever the zones manifest says', async (t) => {
  const { outside, inside } = world.sandbox.description.ports;
  const swapped = path.join(world.directory, 'swapped.yaml');
  const ports = new Map([
    [String(outside), inside],
    [String(inside), outside],
  ]);
  const text = readFileSync(world.zones.both, 'utf8');
  writeFileSync(
    swapped,
    text.replaceAll(/127\.0\.0\.1:(\d+)/g, (_, port: string) => `127.0.0.1:${ports.get(port) ?? port}`),
  );
  const denied = { exitCode: 20, code: 'NETWORK_DENIED' } as const;
  await world.refused(t, ['publish', image, '--zones', swapped], denied);
  const release = world.file('corrupted.json');
  await world.refused(t, ['import', release, '--zones', swapped], denied);
  const status = await world.json(t, 'status', ['status', release, '--zones', swapped]);
  t.is(status.outside, 'not visible from here');
  t.is(status.inside, 'not visible from here');
});
