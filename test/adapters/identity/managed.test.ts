import test from 'ava';
import { createCredential } from '../../../src/adapters/identity/credential.ts';
import { tokenSource } from '../../../src/adapters/identity/token-source.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { createAgent } from '../../../src/network/agent.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';

const access = {
  tenant: '11111111-1111-4111-8111-111111111111',
  identity: { kind: 'managed', clientId: '22222222-2222-4222-8222-222222222222' },
} as const;

// One test: the SDK reads the environment itself (a test file is a process of its own) and remembers the endpoint.
test('managed: the metadata endpoint speaks plain http and is asked beside agent and proxy; its "no" is UNAUTHENTICATED', async (t) => {
  const endpoint = await startScriptedServer(t, (request) =>
    request.query.get('resource') === 'https://management.azure.com'
      ? {
          body: {
            access_token: 'at',
            expires_on: String(Math.floor(Date.now() / 1000) + 3600),
            token_type: 'Bearer',
          },
        }
      : { status: 400, body: { error: 'invalid_request', error_description: 'Identity not found' } },
  );
  process.env['IDENTITY_ENDPOINT'] = `http://127.0.0.1:${String(endpoint.port)}/msi/token`;
  process.env['IDENTITY_HEADER'] = 'header';
  process.env['HTTPS_PROXY'] = 'http://127.0.0.1:1';
  const credential = createCredential(access, createAgent({ resolve: { '*': '127.0.0.1:1' } }));

  t.is(await tokenSource(credential, 'https://management.azure.com')(), 'at');
  t.is(endpoint.requests[0]!.query.get('client_id'), access.identity.clientId);

  const error = await t.throwsAsync(tokenSource(credential, 'https://storage.azure.com')(), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'UNAUTHENTICATED');
  t.regex(error.message, /Identity not found/);
  t.regex(error.nextSteps.join(' '), /managed identity/);
});
