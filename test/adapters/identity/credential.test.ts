import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { createCredential } from '../../../src/adapters/identity/credential.ts';
import { tokenSource } from '../../../src/adapters/identity/token-source.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { createAgent } from '../../../src/network/agent.ts';
import { startScriptedCloud, tempDir } from '../../support/network.ts';
import type { Script } from '../../support/scripted-server.ts';

const tenant = '11111111-1111-4111-8111-111111111111';
const clientId = '22222222-2222-4222-8222-222222222222';
const login = 'login.microsoftonline.com';
const audience = 'https://management.azure.com';

const jwt = (claims: object): string =>
  ['{"alg":"none"}', JSON.stringify(claims), 'secret-signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');

function tokenFile(t: ExecutionContext, text: string): string {
  const file = path.join(tempDir(t), 'token');
  writeFileSync(file, text);
  return file;
}

const entra =
  (answer: Script): Script =>
  (request) => {
    if (request.path.endsWith('/openid-configuration')) {
      const base = `https://${login}/${tenant}`;
      return {
        body: {
          token_endpoint: `${base}/oauth2/v2.0/token`,
          authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
          issuer: `${base}/v2.0`,
          jwks_uri: `${base}/keys`,
        },
      };
    }
    return answer(request);
  };

async function workload(t: ExecutionContext, answer: Script, file: string) {
  const cloud = await startScriptedCloud(t, [login], entra(answer));
  const access = { tenant, identity: { kind: 'workload', clientId, tokenFile: file } } as const;
  return { cloud, credential: createCredential(access, cloud.agent) };
}

const fresh = (): string => jwt({ exp: Math.floor(Date.now() / 1000) + 3600 });

test('workload: the token of the file is exchanged at Entra, through the agent of the zone', async (t) => {
  const assertion = fresh();
  const { cloud, credential } = await workload(
    t,
    () => ({ body: { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, access_token: 'at' } }),
    tokenFile(t, `${assertion}\n`),
  );
  const token = tokenSource(credential, audience);
  t.deepEqual(await Promise.all([token(), token()]), ['at', 'at']);
  t.is(await token(), 'at');
  const exchanges = cloud.requests.filter((request) => request.method === 'POST');
  t.is(exchanges.length, 1);
  const form = new URLSearchParams(exchanges[0]!.body.toString());
  t.is(exchanges[0]!.path, `/${tenant}/oauth2/v2.0/token`);
  t.is(form.get('client_assertion'), assertion);
  t.is(form.get('client_id'), clientId);
  t.is(form.get('scope'), `${audience}/.default`);
});

async function refusal(t: ExecutionContext, promise: Promise<unknown>): Promise<AmlpromoteError> {
  const error = await t.throwsAsync(promise, { instanceOf: AmlpromoteError });
  const text = `${error.message} ${error.nextSteps.join(' ')}`;
  t.notRegex(text, /secret|eyJ/, 'no secrets in messages');
  t.true(error.nextSteps.length > 0);
  return error;
}

for (const [number, hint] of [
  ['700016', /clientId/],
  ['90002', /access\.tenant/],
  ['700213', /subject/],
  ['700024', /fresh/],
  ['999999', /AADSTS999999/],
] as const) {
  test(`workload: AADSTS${number} is UNAUTHENTICATED and says what to put right`, async (t) => {
    const { credential } = await workload(
      t,
      () => ({
        status: 400,
        body: {
          error: 'invalid_client',
          error_description: `AADSTS${number}: It is wrong. Trace ID: x\r\nTimestamp: y`,
          error_codes: [Number(number)],
        },
      }),
      tokenFile(t, fresh()),
    );
    const error = await refusal(t, tokenSource(credential, audience)());
    t.is(error.code, 'UNAUTHENTICATED');
    t.regex(error.message, new RegExp(`AADSTS${number}: It is wrong`));
    t.regex(error.nextSteps.join(' '), hint);
  });
}

test('workload: a missing, empty or expired token file is named', async (t) => {
  const answer: Script = () => ({ status: 400, body: { error: 'invalid_request', error_description: 'no' } });
  for (const [file, why] of [
    ['/nowhere/token', /cannot be read/],
    [tokenFile(t, ' \n'), /is empty/],
    [tokenFile(t, jwt({ exp: 1_000_000_000 })), /expired at 2001-09-09/],
  ] as const) {
    const { credential } = await workload(t, answer, file);
    const error = await refusal(t, tokenSource(credential, audience)());
    t.is(error.code, 'UNAUTHENTICATED');
    t.regex(error.message, why);
    t.true(error.message.includes(file));
  }
});

test('a login host that cannot be trusted is UNREACHABLE, with the reason that MSAL swallows', async (t) => {
  const cloud = await startScriptedCloud(t, [login], () => ({}));
  const agent = createAgent({ resolve: cloud.network.resolve });
  t.teardown(() => agent.destroy());
  const access = {
    tenant,
    identity: { kind: 'workload', clientId, tokenFile: tokenFile(t, fresh()) },
  } as const;
  const error = await refusal(t, tokenSource(createCredential(access, agent), audience)());
  t.is(error.code, 'UNREACHABLE');
  t.regex(error.message, /login\.microsoftonline\.com.*Test Authority/);
});

test('Entra that throttles is THROTTLED, one that fails SERVICE_FAILED: neither is a "no"', async (t) => {
  for (const [status, code] of [
    [429, 'THROTTLED'],
    [503, 'SERVICE_FAILED'],
  ] as const) {
    const { credential } = await workload(
      t,
      () => ({ status, headers: { 'retry-after-ms': '1' }, body: { error: 'temporarily_unavailable' } }),
      tokenFile(t, fresh()),
    );
    const error = await refusal(t, tokenSource(credential, audience)());
    t.is(error.code, code);
  }
});

test('an unusable identity is UNAUTHENTICATED', async (t) => {
  const cloud = await startScriptedCloud(t, [login], () => ({}));
  const access = { tenant, identity: { kind: 'workload' } } as const;
  const error = await refusal(t, tokenSource(createCredential(access, cloud.agent), audience)());
  t.is(error.code, 'UNAUTHENTICATED');
});
