import test from 'ava';
import { registries } from '../../topology.ts';
import { agentOf } from '../support/agent.ts';
import { descriptor, makeImage, manifestType, piece } from '../support/content.ts';
import { loopbackOf } from '../support/loopback.ts';
import { askScope, entraToken, refreshToken } from '../support/tokens.ts';
import { startTestSandbox } from '../support/sandbox.ts';

const { host } = registries.nonsensitive;

test('a scope that names no list (az acr check-health) is a token that opens nothing', async (t) => {
  const sandbox = await startTestSandbox(t);
  const agent = agentOf(t, sandbox, 'outside');
  const refresh = await refreshToken(agent, host, entraToken(sandbox, 'outside-promoter'));
  const answer = await askScope(agent, host, refresh, 'registry:None:*');
  t.is(answer.status, 200, answer.text);
  const { access_token } = answer.json<{ access_token: string }>();
  const [, claims = ''] = access_token.split('.');
  t.deepEqual((JSON.parse(Buffer.from(claims, 'base64url').toString()) as { access: unknown }).access, []);
  t.is((await askScope(agent, host, refresh, 'repository:ml/x:delete')).status, 401);
});

const sha512 = `sha512:${'a'.repeat(128)}`;
for (const [method, path, status] of [
  ['GET', `/v2/team/a/blobs/${sha512}`, 404],
  ['HEAD', `/v2/team/a/blobs/${sha512}`, 404],
  ['DELETE', `/v2/team/a/blobs/${sha512}`, 404],
  ['GET', `/v2/team/a/manifests/${sha512}`, 404],
  ['HEAD', `/v2/team/a/manifests/${sha512}`, 404],
  ['DELETE', `/v2/team/a/manifests/${sha512}`, 404],
  ['GET', `/acr/v1/team/a/_manifests/${sha512}`, 404],
  ['PATCH', `/acr/v1/team/a/_manifests/${sha512}`, 404],
  ['GET', `/v2/team/a/referrers/${sha512}`, 200],
  ['POST', `/v2/team/a/blobs/uploads/?mount=${sha512}&from=team/b`, 202],
  ['GET', '/v2/team/a/blobs/sha512:abc', 400],
  ['GET', `/v2/team/a/manifests/md5:${'a'.repeat(32)}`, 400],
  ['DELETE', '/v2/team/a/manifests/v1', 405],
  ['DELETE', '/v2/team/a/manifests/none', 405],
] as const)
  test(`${method} ${path.slice(0, 60)} is ${status}`, async (t) => {
    const sandbox = await startTestSandbox(t);
    const registry = loopbackOf(sandbox, 'nonsensitive');
    await registry.push('team/a', makeImage(), 'v1');
    const answer = await registry.call(path, { method, ...(method === 'PATCH' && { body: '{}' }) });
    t.is(answer.status, status);
    if (status === 405)
      t.is(((await answer.json()) as { errors: { code: string }[] }).errors[0]?.code, 'UNSUPPORTED');
    t.is((await registry.manifest('team/a', 'v1')).status, 200, 'the tag stays');
  });

test('a referrer without artifactType is listed under its config, whatever that is', async (t) => {
  const sandbox = await startTestSandbox(t);
  const registry = loopbackOf(sandbox, 'nonsensitive');
  const image = makeImage();
  await registry.push('team/a', image, 'v1');
  const [config, layer] = image.blobs;
  const manifest = piece(manifestType, {
    schemaVersion: 2,
    mediaType: manifestType,
    config: descriptor(config!),
    layers: [descriptor(layer!)],
    subject: descriptor(image),
  });
  await registry.push('team/a', { ...manifest, blobs: [] });
  const type = 'application/vnd.oci.image.config.v1+json';
  for (const query of ['', `?artifactType=${encodeURIComponent(type)}`]) {
    const answer = await registry.call(`/v2/team/a/referrers/${image.digest}${query}`);
    const { manifests } = (await answer.json()) as { manifests: { digest: string; artifactType: string }[] };
    t.deepEqual(
      manifests.map(({ digest, artifactType }) => [digest, artifactType]),
      [[manifest.digest, type]],
    );
  }
});
