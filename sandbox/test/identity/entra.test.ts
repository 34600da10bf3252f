import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { ManagedIdentityCredential, WorkloadIdentityCredential } from '@azure/identity';
import test from 'ava';
import { readOptional } from '../../store/files.ts';
import { identities, tenant } from '../../topology.ts';
import { startTestSandbox, temporaryDirectory } from '../support/sandbox.ts';
import { agentOf } from '../support/agent.ts';
import { sdkOf } from '../support/sdk.ts';

const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<string, unknown>;

test('a workload identity gets a token for the resource of its scope', async (t) => {
  const sandbox = await startTestSandbox(t);
  const { credential } = sdkOf(t, sandbox, 'outside');
  const { token } = await credential.getToken('https://management.azure.com/.default');
  const { aud, tid, oid } = claimsOf(token);
  t.is(aud, 'https://management.azure.com');
  t.is(tid, tenant);
  t.is(oid, identities['outside-promoter'].objectId);
});

test('a resource that the tenant does not know is AADSTS500011', async (t) => {
  const sandbox = await startTestSandbox(t);
  const { credential } = sdkOf(t, sandbox, 'outside');
  await t.throwsAsync(credential.getToken('https://example.test/.default'), { message: /AADSTS500011/ });
});

test('the token file is checked: another identity, a foreign issuer, another tenant', async (t) => {
  const sandbox = await startTestSandbox(t);
  const agent = agentOf(t, sandbox, 'inside');
  const foreign = join(temporaryDirectory(t), 'token');
  writeFileSync(foreign, 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJpbnNpZGUtcHJvbW90ZXIifQ.c2ln');
  const cases = [
    { file: join(sandbox.description.directory, 'outside', 'token'), tenantId: tenant, code: /AADSTS700213/ },
    { file: foreign, tenantId: tenant, code: /AADSTS50013/ },
    {
      file: join(sandbox.description.directory, 'inside', 'token'),
      tenantId: '22222222-2222-4222-8222-222222222222',
      code: /endpoints_resolution_error|AADSTS90002/,
    },
  ];
  for (const { file, tenantId, code } of cases) {
    const credential = new WorkloadIdentityCredential({
      tenantId,
      clientId: identities['inside-promoter'].clientId,
      tokenFilePath: file,
      agent,
      retryOptions: { maxRetries: 0 },
    });
    await t.throwsAsync(credential.getToken('https://management.azure.com/.default'), { message: code });
  }
});

test('managed identity as App Service offers it, for the identity of the inside machine only', async (t) => {
  const sandbox = await startTestSandbox(t);
  const file = readOptional(join(sandbox.description.directory, 'inside', 'managed-identity.env'));
  for (const line of file?.toString('utf8').trim().split('\n') ?? []) {
    const [name = '', value = ''] = line.split('=');
    process.env[name] = value;
    t.teardown(() => {
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- undefined would become a string
      delete process.env[name];
    });
  }
  const { clientId, objectId } = identities['inside-promoter'];
  const { token } = await new ManagedIdentityCredential({ clientId }).getToken(
    'https://management.azure.com/.default',
  );
  t.is(claimsOf(token).oid, objectId);
  const other = new ManagedIdentityCredential({
    clientId: identities.compute.clientId,
    retryOptions: { maxRetries: 0 },
  });
  await t.throwsAsync(other.getToken('https://management.azure.com/.default'));
});
