import test from 'ava';
import { registries } from '../../topology.ts';
import { agentOf } from '../support/agent.ts';
import { makeImage, manifestType } from '../support/content.ts';
import { loopbackOf } from '../support/loopback.ts';
import { askScope, entraToken, refreshToken, registryLogin } from '../support/tokens.ts';
import { startTestSandbox } from '../support/sandbox.ts';
import { wire } from '../support/wire.ts';

const { host } = registries.nonsensitive;
const sealed = registries.sensitive.host;
const base = `https://${host}`;

test('without a token every route says which scope it wants', async (t) => {
  const sandbox = await startTestSandbox(t);
  const agent = agentOf(t, sandbox, 'outside');
  const digest = `sha256:${'a'.repeat(64)}`;
  const wanted: [string, string, string | undefined][] = [
    ['GET', '/v2/', undefined],
    ['GET', '/v2/team%2Fa/manifests/v1', 'repository:team/a:pull'],
    ['HEAD', `/v2/team/a/blobs/${digest}`, 'repository:team/a:pull'],
    ['GET', '/v2/team/a/tags/list', 'repository:team/a:pull'],
    ['GET', `/v2/team/a/referrers/${digest}`, 'repository:team/a:pull'],
    ['POST', '/v2/team/a/blobs/uploads/', 'repository:team/a:pull,push'],
    ['PUT', '/v2/team/a/manifests/v1', 'repository:team/a:pull,push'],
    ['DELETE', `/v2/team/a/manifests/${digest}`, 'repository:team/a:delete'],
    ['GET', '/acr/v1/_catalog', 'registry:catalog:*'],
    ['GET', '/acr/v1/team%2Fa/_tags', 'repository:team/a:metadata_read'],
    ['PATCH', `/acr/v1/team%2Fa/_manifests/${digest}`, 'repository:team/a:metadata_write'],
  ];
  for (const [method, path, scope] of wanted) {
    const response = await wire(`${base}${path}`, { method, agent });
    const challenge = `Bearer realm="${base}/oauth2/token",service="${host}"`;
    t.is(response.status, 401, path);
    t.is(
      response.headers['www-authenticate'],
      scope === undefined ? challenge : `${challenge},scope="${scope}"`,
    );
  }
});

test('a token reaches as far as its scope and no further', async (t) => {
  const sandbox = await startTestSandbox(t);
  await loopbackOf(sandbox, 'nonsensitive').push('team/a', makeImage(), 'v1');
  const agent = agentOf(t, sandbox, 'outside');
  const headers = await registryLogin(sandbox, agent, host, 'outside-promoter', 'repository:team/a:pull');
  const get = (path: string, method = 'GET') =>
    wire(`${base}${path}`, { method, agent, headers: { ...headers, accept: manifestType } });
  t.is((await get('/v2/')).status, 200);
  t.is((await get('/v2/team/a/manifests/v1')).status, 200);
  const push = await get('/v2/team/a/blobs/uploads/', 'POST');
  t.is(push.status, 401);
  t.regex(String(push.headers['www-authenticate']), /error="insufficient_scope"$/);
  t.is((await get('/v2/team/b/manifests/v1')).status, 401);
});

test('a refresh token, a token of the other registry and an expired one are no access tokens', async (t) => {
  let now = new Date();
  const sandbox = await startTestSandbox(t, { clock: { now: () => now } });
  const agent = agentOf(t, sandbox, 'outside');
  const inside = agentOf(t, sandbox, 'inside');
  const scope = 'repository:team/a:pull';
  const own = await registryLogin(sandbox, agent, host, 'outside-promoter', scope);
  const other = await registryLogin(sandbox, inside, sealed, 'inside-promoter', scope);
  const refresh = await refreshToken(agent, host, entraToken(sandbox, 'outside-promoter'));
  const status = async (headers: Record<string, string>) => {
    const response = await wire(`${base}/v2/`, { agent, headers });
    return [response.status, /error="(\w+)"/.exec(String(response.headers['www-authenticate']))?.[1]];
  };
  t.deepEqual(await status(own), [200, undefined]);
  t.deepEqual(await status(other), [401, 'invalid_token']);
  t.deepEqual(await status({ authorization: `Bearer ${refresh}` }), [401, 'invalid_token']);
  now = new Date(now.getTime() + 3600_000);
  t.deepEqual(await status(own), [401, 'invalid_token']);
});

test('the exchange wants an Entra token for registries and the right service', async (t) => {
  const sandbox = await startTestSandbox(t);
  const agent = agentOf(t, sandbox, 'outside');
  const exchange = async (token: string, service = host) => {
    const body = new URLSearchParams({ grant_type: 'access_token', service, access_token: token }).toString();
    return (await wire(`${base}/oauth2/exchange`, { method: 'POST', agent, body })).status;
  };
  t.is(await exchange(entraToken(sandbox, 'outside-promoter')), 200);
  t.is(await exchange(entraToken(sandbox, 'outside-promoter', 'https://vault.azure.net')), 401);
  t.is(await exchange('not.a.token'), 401);
  t.is(await exchange(entraToken(sandbox, 'outside-promoter'), sealed), 400);
});

test('roles decide: compute pulls from the sealed registry, but not what is in quarantine', async (t) => {
  const sandbox = await startTestSandbox(t);
  const agent = agentOf(t, sandbox, 'inside');
  const refresh = await refreshToken(agent, sealed, entraToken(sandbox, 'compute'));
  const ask = async (scope: string) => (await askScope(agent, sealed, refresh, scope)).status;
  t.is(await ask('repository:ml/churn-train:pull'), 200);
  t.is(await ask('repository:quarantine/ml/churn-train:pull'), 401);
  t.is(await ask('repository:ml/churn-train:push'), 401);
  const { roles } = sandbox.context;
  roles.replace(roles.list().filter(({ identity }) => identity !== 'compute'));
  t.is(await ask('repository:ml/churn-train:pull'), 401);
});

test('asked for more than the role allows, the token has less', async (t) => {
  const sandbox = await startTestSandbox(t);
  const agent = agentOf(t, sandbox, 'outside');
  const { roles } = sandbox.context;
  roles.replace([{ identity: 'outside-promoter', role: 'AcrPull', scope: registries.nonsensitive.id }]);
  const headers = await registryLogin(
    sandbox,
    agent,
    host,
    'outside-promoter',
    'repository:team/a:pull,push',
  );
  t.is((await wire(`${base}/v2/`, { agent, headers })).status, 200);
  const push = await wire(`${base}/v2/team/a/blobs/uploads/`, { method: 'POST', agent, headers });
  t.regex(String(push.headers['www-authenticate']), /insufficient_scope/);
});

test('mounting needs pull on the source repository', async (t) => {
  const sandbox = await startTestSandbox(t);
  const image = makeImage();
  await loopbackOf(sandbox, 'nonsensitive').push('team/a', image);
  const agent = agentOf(t, sandbox, 'outside');
  const mount = async (scope: string) => {
    const headers = await registryLogin(sandbox, agent, host, 'outside-promoter', scope);
    const query = new URLSearchParams({ mount: image.blobs[0]?.digest ?? '', from: 'team/a' }).toString();
    return (await wire(`${base}/v2/team/b/blobs/uploads/?${query}`, { method: 'POST', agent, headers }))
      .status;
  };
  t.is(await mount('repository:team/b:pull,push'), 202);
  t.is(await mount('repository:team/b:pull,push repository:team/a:pull'), 201);
});

test('a download is redirected to the data host, signed for a while, and takes no token along', async (t) => {
  let now = new Date();
  const sandbox = await startTestSandbox(t, { clock: { now: () => now } });
  const image = makeImage();
  const blob = image.blobs[1];
  if (!blob) throw new Error('an image has a layer');
  await loopbackOf(sandbox, 'nonsensitive').push('team/a', image);
  const agent = agentOf(t, sandbox, 'outside');
  const headers = await registryLogin(sandbox, agent, host, 'outside-promoter', 'repository:team/a:pull');
  const redirect = await wire(`${base}/v2/team/a/blobs/${blob.digest}`, { agent, headers });
  t.is(redirect.status, 307);
  const location = String(redirect.headers.location);
  t.is(new URL(location).host, registries.nonsensitive.dataHost);
  t.deepEqual((await wire(location, { agent })).bytes, blob.bytes);
  const part = await wire(location, { agent, headers: { range: 'bytes=1-2' } });
  t.deepEqual(part.bytes, blob.bytes.subarray(1, 3));
  t.is((await wire(location, { agent, headers })).status, 400);
  t.is((await wire(location.replace(/sig=.*/, 'sig=x'), { agent })).status, 403);
  now = new Date(now.getTime() + 21 * 60_000);
  t.is((await wire(location, { agent })).status, 403);
});
