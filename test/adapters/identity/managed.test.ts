import test from 'ava';
import { createCredential } from '../../../src/adapters/identity/credential.ts';
import { tokenSource } from '../../../src/adapters/identity/token-source.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { createAgent } from '../../../src/network/agent.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';

// The SDK reads these itself; a test file is a process of its own.
const access = {
  tenant: '11111111-1111-4111-8111-111111111111',
  identity: { kind: 'managed', clientId: '22222222-2222-4222-8222-222222222222' },
} as const;

test.serial(
  'managed: the metadata endpoint speaks plain http and is asked beside the agent and the proxy',
  async (t) => {
    const endpoint = await startScriptedServer(t, () => ({
      body: {
        access_token: 'at',
        expires_on: String(Math.floor(Date.now() / 1000) + 3600),
        token_type: 'Bearer',
      },
    }));
    process.env['IDENTITY_ENDPOINT'] = `http://127.0.0.1:${String(endpoint.port)}/msi/token`;
    process.env['IDENTITY_HEADER'] = 'header';
    process.env['HTTPS_PROXY'] = 'http://127.0.0.1:1';
    const agent = createAgent({ resolve: { '*': '127.0.0.1:1' } });
    t.is(await tokenSource(createCredential(access, agent), 'https://management.azure.com')(), 'at');
    t.is(endpoint.requests[0]!.query.get('client_id'), access.identity.clientId);
    t.is(endpoint.requests[0]!.query.get('resource'), 'https://management.azure.com');
  },
);

test.serial('managed: an identity that the machine does not have is UNAUTHENTICATED', async (t) => {
  const endpoint = await startScriptedServer(t, () => ({
    status: 400,
    body: { error: 'invalid_request', error_description: 'Identity not found' },
  }));
  process.env['IDENTITY_ENDPOINT'] = `http://127.0.0.1:${String(endpoint.port)}/msi/token`;
  process.env['IDENTITY_HEADER'] = 'header';
  const credential = createCredential(access, createAgent());
  const error = await t.throwsAsync(tokenSource(credential, 'https://storage.azure.com')(), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'UNAUTHENTICATED');
  t.regex(error.nextSteps.join(' '), /managed identity/);
});
