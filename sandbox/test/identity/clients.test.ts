import { join } from 'node:path';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { hosts, identities, tenant } from '../../topology.ts';
import { agentOf } from '../support/agent.ts';
import { form, wire } from '../support/wire.ts';
import { startTestSandbox } from '../support/sandbox.ts';

const login = (host: string = hosts.login): string => `https://${host}/${tenant}/oauth2/v2.0/token`;

for (const [title, scope] of [
  ['as azure-cli writes it, with two slashes', 'https://management.core.windows.net//.default'],
  ['as ms-rest-azure writes it', 'https://management.core.windows.net/.default'],
] as const)
  test(`a token for ARM under its older name, ${title}, opens ARM`, async (t) => {
    const sandbox = await startTestSandbox(t);
    const agent = agentOf(t, sandbox, 'outside');
    const { clientId } = identities['outside-promoter'];
    const answer = await wire(login(), {
      ...form({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: readFileSync(join(sandbox.description.directory, 'outside/token'), 'utf8'),
        scope,
      }),
      agent,
    });
    t.is(answer.status, 200, answer.text);
    const { access_token } = answer.json<{ access_token: string }>();
    const listed = await wire(`https://${hosts.arm}/subscriptions?api-version=2022-12-01`, {
      agent,
      headers: { authorization: `Bearer ${access_token}` },
    });
    t.is(listed.status, 200, listed.text);
  });

test('a service principal signs in with its secret, and with no other', async (t) => {
  const sandbox = await startTestSandbox(t);
  const agent = agentOf(t, sandbox, 'inside');
  const file = join(sandbox.description.directory, 'inside/client-secret');
  t.is(statSync(file).mode & 0o777, 0o600);
  const secret = readFileSync(file, 'utf8');
  const ask = async (client_secret: string, name: 'inside-promoter' | 'outside-promoter' | 'compute') => {
    const answer = await wire(login(), {
      ...form({
        grant_type: 'client_credentials',
        client_id: identities[name].clientId,
        client_secret,
        scope: 'https://management.azure.com/.default',
      }),
      agent,
    });
    return [answer.status, /AADSTS\d+/.exec(answer.text)?.[0]];
  };
  t.deepEqual(await ask(secret, 'inside-promoter'), [200, undefined]);
  t.deepEqual(await ask(`${secret}x`, 'inside-promoter'), [401, 'AADSTS7000215']);
  t.deepEqual(await ask('', 'inside-promoter'), [401, 'AADSTS7000215']);
  t.deepEqual(await ask(secret, 'outside-promoter'), [401, 'AADSTS7000215']);
  t.deepEqual(await ask(secret, 'compute'), [401, 'AADSTS7000215']);
  writeFileSync(file, 'another\n');
  t.deepEqual(await ask('another', 'inside-promoter'), [200, undefined]);
  writeFileSync(file, '');
  t.deepEqual(await ask('', 'inside-promoter'), [401, 'AADSTS7000215']);
});

test('the other names of the sign-in service answer too', async (t) => {
  const sandbox = await startTestSandbox(t);
  const agent = agentOf(t, sandbox, 'outside');
  for (const host of hosts.loginAliases) {
    const url = `https://${host}/${tenant}/v2.0/.well-known/openid-configuration`;
    t.is((await wire(url, { agent })).status, 200, host);
  }
});
