import test from 'ava';
import { registries, storage, workspace } from '../topology.ts';
import { agentOf } from './support/agent.ts';
import { startTestSandbox } from './support/sandbox.ts';
import { wire } from './support/wire.ts';

test('each vantage is denied the other zone, before any token counts', async (t) => {
  const sandbox = await startTestSandbox(t);
  const outside = agentOf(t, sandbox, 'outside');
  const inside = agentOf(t, sandbox, 'inside');
  for (const [agent, { host, dataHost }] of [
    [outside, registries.sensitive],
    [inside, registries.nonsensitive],
  ] as const) {
    for (const url of [`https://${host}/v2/`, `https://${host}/oauth2/token`, `https://${dataHost}/d/x`]) {
      const response = await wire(url, { agent, headers: { authorization: 'Bearer x' } });
      t.is(response.status, 403);
      const [error] = response.json<{ errors: { code: string; message: string }[] }>().errors;
      t.is(error?.code, 'DENIED');
      t.regex(
        error?.message ?? '',
        /^client with IP '[\d.]+' is not allowed access\. Refer https:\/\/aka\.ms\/acr\/firewall/,
      );
    }
  }
  t.is((await wire(`https://${registries.nonsensitive.host}/v2/`, { agent: outside })).status, 401);
  t.is((await wire(`https://${registries.sensitive.host}/v2/`, { agent: inside })).status, 401);
  t.is((await wire(`https://${storage.blobHost}/c/b`, { agent: outside })).status, 403);
  t.is((await wire(`https://${workspace.regionalHost}/history/v1.0/x`, { agent: outside })).status, 403);
});

test('from inside, nothing but Azure answers', async (t) => {
  const sandbox = await startTestSandbox(t);
  const agent = agentOf(t, sandbox, 'inside');
  await t.throwsAsync(wire('https://registry-1.docker.io/v2/', { agent }));
  await t.throwsAsync(wire('https://contososec.azurecr.io.evil.test/v2/', { agent }));
});

test('names that the sandbox does not serve do not pass TLS', async (t) => {
  const sandbox = await startTestSandbox(t);
  const agent = agentOf(t, sandbox, 'outside');
  await t.throwsAsync(wire('https://example.test/', { agent }), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
});

test('a Host header that is not the name of the handshake is misdirected', async (t) => {
  const sandbox = await startTestSandbox(t);
  const agent = agentOf(t, sandbox, 'outside');
  const response = await wire(`https://${registries.sensitive.host}/v2/`, {
    agent,
    servername: registries.nonsensitive.host,
  });
  t.is(response.status, 421);
});

test('a path that is not served is a 404, a method that is not is a 405', async (t) => {
  const sandbox = await startTestSandbox(t);
  const agent = agentOf(t, sandbox, 'outside');
  t.is((await wire('https://management.azure.com/nothing', { agent })).status, 404);
  t.is(
    (await wire('https://login.microsoftonline.com/common/discovery/instance', { method: 'PUT', agent }))
      .status,
    405,
  );
  t.is((await wire('https://management.azure.com/%ff', { agent })).status, 400);
});
