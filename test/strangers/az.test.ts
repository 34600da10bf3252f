import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { identities, registries, subscriptions, tenant, workspace } from '../../sandbox/topology.ts';
import { makeImage } from '../../sandbox/test/support/content.ts';
import { loopbackOf } from '../../sandbox/test/support/loopback.ts';
import { programs, startForStrangers, stranger } from './strangers.ts';
import { needing } from '../support/tools.ts';

const dev = registries.nonsensitive.name;
const sec = registries.sensitive.name;
const json = (text: string): unknown => JSON.parse(text);

/** `az` on one side, signed in; answers parsed output, or fails the test with what az said. */
async function signedIn(t: ExecutionContext, side: 'outside' | 'inside') {
  const { sandbox, run } = await startForStrangers(t);
  const { directory } = sandbox.description;
  const raw = (...args: string[]) => run(side)(programs.az ?? '', ...args);
  const az = async (...args: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await raw(...args);
    if (code !== 0) t.fail(`az ${args.join(' ')}\n${stderr}`);
    return stdout.trim() === '' ? undefined : json(stdout);
  };
  const token = readFileSync(join(directory, side, 'token'), 'utf8');
  const { clientId } = identities[`${side}-promoter`];
  await az('login', '--service-principal', '-u', clientId, '--tenant', tenant, '--federated-token', token);
  return { sandbox, directory, az, raw };
}

needing(stranger('az', true))('az signs in and sees its registry', async (t) => {
  const { az } = await signedIn(t, 'outside');
  t.is(await az('account', 'show', '--query', 'name'), 'contoso-development');
  t.deepEqual(await az('acr', 'list', '--query', '[].loginServer'), [registries.nonsensitive.host]);
  t.deepEqual(await az('acr', 'repository', 'list', '-n', dev), []);
});

needing(stranger('az'))('az outside: account, resources, registry, tags, manifests', async (t) => {
  const { sandbox, az, raw } = await signedIn(t, 'outside');
  const image = makeImage();
  await loopbackOf(sandbox, 'nonsensitive').push('ml/tiny', image, 'v1');
  t.deepEqual(await az('account', 'list', '--query', '[].id'), [subscriptions.nonsensitive]);
  for (const resource of [
    'https://management.azure.com',
    'https://ml.azure.com',
    'https://storage.azure.com',
  ])
    t.is(await az('account', 'get-access-token', '--resource', resource, '--query', 'tokenType'), 'Bearer');
  t.deepEqual(await az('resource', 'list', '--query', '[].name'), [dev]);
  t.deepEqual(await az('acr', 'show', '-n', dev, '--query', '[name, sku.name]'), [dev, 'Premium']);
  t.is(await az('acr', 'show-usage', '-n', dev, '--query', "value[?name=='Webhooks'].currentValue | [0]"), 0);
  t.is(await az('acr', 'show-endpoints', '-n', dev, '--query', 'loginServer'), registries.nonsensitive.host);
  t.is(
    await az('acr', 'login', '-n', dev, '--expose-token', '--query', 'loginServer'),
    registries.nonsensitive.host,
  );
  t.deepEqual(await az('acr', 'private-endpoint-connection', 'list', '-r', dev), []);
  const health = await raw('acr', 'check-health', '-n', dev, '--ignore-errors', '--yes');
  for (const line of ['DNS lookup to', 'Challenge endpoint', 'Fetch refresh token', 'Fetch access token'])
    t.regex(health.stderr, new RegExp(`${line}.* : OK`));
  t.deepEqual(await az('acr', 'repository', 'list', '-n', dev), ['ml/tiny']);
  t.deepEqual(await az('acr', 'repository', 'show-tags', '-n', dev, '--repository', 'ml/tiny'), ['v1']);
  t.like(await az('acr', 'manifest', 'list-metadata', '-r', dev, '-n', 'ml/tiny'), [
    { digest: image.digest, tags: ['v1'] },
  ]);
  t.like(await az('acr', 'manifest', 'show', '-r', dev, '-n', 'ml/tiny:v1'), { schemaVersion: 2 });
  t.deepEqual(await az('acr', 'manifest', 'list-referrers', '-r', dev, '-n', 'ml/tiny:v1'), {
    manifests: [],
  });
  const locked = await az(
    'acr',
    'repository',
    'update',
    '-n',
    dev,
    '--image',
    'ml/tiny:v1',
    '--write-enabled',
    'false',
  );
  t.like(locked, { changeableAttributes: { writeEnabled: false } });
  const refused = await raw('acr', 'repository', 'delete', '-n', dev, '--image', 'ml/tiny:v1', '-y');
  t.not(refused.code, 0, 'AcrPush does not delete');
});

needing(stranger('az'))(
  'az inside: sealed registry, import, workspace, storage, managed identity',
  async (t) => {
    const { sandbox, directory, az, raw } = await signedIn(t, 'inside');
    const image = makeImage();
    await loopbackOf(sandbox, 'nonsensitive').push('ml/tiny', image, 'v1');
    t.is(await az('account', 'show', '--query', 'name'), 'contoso-sealed');
    t.deepEqual(await az('resource', 'list', '--query', '[].name'), [
      sec,
      'ml-risk',
      'stcontososec',
      'kvcontososec',
    ]);
    t.is(await az('acr', 'show', '-n', sec, '--query', 'publicNetworkAccess'), 'Disabled');
    t.is(
      await az('acr', 'private-endpoint-connection', 'show', '-r', sec, '-n', `pe-${sec}`, '--query', 'name'),
      `pe-${sec}`,
    );
    const from = ['--registry', registries.nonsensitive.id, '--source', `ml/tiny@${image.digest}`];
    await az('acr', 'import', '-n', sec, ...from, '--image', 'quarantine/ml/tiny:q1');
    t.deepEqual(await az('acr', 'repository', 'show-tags', '-n', sec, '--repository', 'quarantine/ml/tiny'), [
      'q1',
    ]);
    const twice = await raw('acr', 'import', '-n', sec, ...from, '--image', 'quarantine/ml/tiny:q1');
    t.regex(twice.stderr, /already exists in target registry/);
    t.is(await az('resource', 'show', '--ids', workspace.id, '--query', 'name'), workspace.name);
    const ml = (method: string, path: string, ...more: string[]) =>
      az('rest', '--method', method, '--url', `${workspace.id}${path}?api-version=2024-10-01`, ...more);
    t.like(await ml('get', ''), { name: workspace.name });
    const body = JSON.stringify({
      properties: { image: `${registries.sensitive.host}/ml/tiny@${image.digest}` },
    });
    t.like(await ml('put', '/environments/tiny/versions/1', '--body', body), { name: '1' });
    t.is(await ml('delete', '/environments/tiny/versions/1'), undefined);
    const account = ['--account-name', 'stcontososec', '--auth-mode', 'login'];
    const blob = [...account, '-c', workspace.datastore.container, '-n', 'smoke/x'];
    await az(
      'storage',
      'blob',
      'upload',
      ...blob,
      '-f',
      join(directory, 'ca.pem'),
      '--no-progress',
      '--only-show-errors',
    );
    t.deepEqual(
      await az(
        'storage',
        'blob',
        'list',
        ...account,
        '-c',
        workspace.datastore.container,
        '--query',
        '[].name',
      ),
      ['smoke/x'],
    );
    await az('logout');
    await az('login', '--identity');
    t.is(await az('account', 'show', '--query', 'user.name'), 'systemAssignedIdentity');
    t.deepEqual(await az('acr', 'repository', 'list', '-n', sec), ['quarantine/ml/tiny']);
    await az('logout');
    const { clientId } = identities['inside-promoter'];
    const secret = (word: string) =>
      raw('login', '--service-principal', '-u', clientId, '--tenant', tenant, '-p', word);
    t.regex((await secret('wrong')).stderr, /AADSTS7000215/);
    t.is((await secret(readFileSync(join(directory, 'inside/client-secret'), 'utf8'))).code, 0);
  },
);
