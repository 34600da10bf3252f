import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { createAgent } from '../../../src/network/agent.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { isAcrHost } from '../../../src/oci/registry/options.ts';
import type { RegistryOptions } from '../../../src/oci/registry/registry.ts';
import { createRegistry } from '../../../src/oci/registry/registry.ts';
import type { Registry } from '../../../src/ports/content.ts';
import type { Authority } from '../../support/tls-authority.ts';
import { createAuthority } from '../../support/tls-authority.ts';
import type { Handler, Wire } from './wire.ts';
import { fastClock, form, json, jwt, ociError, registryAt, startWire } from './wire.ts';

const digest = sha256('manifest');
const acr = 'contososec.azurecr.io';
const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

let authority: Authority;
let directory: string;
test.before(async () => {
  authority = await createAuthority();
  directory = await mkdtemp(path.join(tmpdir(), 'amlpromote-auth-'));
  await writeFile(path.join(directory, 'ca.pem'), authority.ca);
});
test.after.always(async () => rm(directory, { recursive: true, force: true }));

/** A registry under ACR's real name, reached as a zone's network settings would. */
async function acrAt(
  t: ExecutionContext,
  handler: Handler,
  options: Partial<RegistryOptions> = {},
): Promise<{ wire: Wire; registry: Registry }> {
  const wire = await startWire(t, handler, await authority.issue([acr]));
  const agent = createAgent({
    resolve: { '*': `127.0.0.1:${String(wire.port)}` },
    ca: path.join(directory, 'ca.pem'),
  });
  t.teardown(() => agent.destroy());
  const registry = createRegistry({
    host: acr,
    agent,
    token: async () => ({ token: 'entra' }),
    clock: fastClock(),
    random: () => 0,
    ...options,
  });
  return { wire, registry };
}

test('ACR: Entra token → refresh token → one access token per scope, each asked for once', async (t) => {
  const clock = fastClock();
  const forms: Record<string, string>[] = [];
  const { wire, registry } = await acrAt(
    t,
    async (request, response) => {
      const now = seconds(clock.now());
      if (request.url === '/oauth2/exchange') {
        forms.push(Object.fromEntries(await form(request)));
        json(response, 200, { refresh_token: jwt({ iat: now, exp: now + 10_800 }) });
      } else if (request.url === '/oauth2/token') {
        const fields = await form(request);
        forms.push(Object.fromEntries(fields));
        json(response, 200, { access_token: jwt({ iat: now, exp: now + 600, scope: fields.get('scope') }) });
      } else ociError(response, 404, 'MANIFEST_UNKNOWN', '');
    },
    { clock },
  );
  const repository = registry.repository('ml/churn');
  await Promise.all([repository.resolve(digest), repository.resolve('v1'), repository.manifest(digest)]);
  await registry.repository('ml/other').resolve(digest);
  t.like(forms[0], { grant_type: 'access_token', service: acr, access_token: 'entra' });
  t.like(forms[1], { grant_type: 'refresh_token', service: acr, scope: 'repository:ml/churn:pull' });
  t.is(forms[2]?.scope, 'repository:ml/other:pull');
  t.is(forms.length, 3);
  t.true(
    wire.authorizations.filter((value) => value !== undefined).every((value) => value.startsWith('Bearer ')),
  );

  await clock.sleep(595_000);
  await repository.resolve(digest);
  t.is(forms.length, 4, 'a new access token shortly before the old one expires, with the same refresh token');
});

test('threat 43: a token that the registry no longer likes is replaced, once', async (t) => {
  let issued = 0;
  const { wire, registry } = await acrAt(t, async (request, response) => {
    request.resume();
    if (request.url?.startsWith('/oauth2/')) {
      issued += 1;
      json(response, 200, {
        refresh_token: `refresh-${String(issued)}`,
        access_token: `access-${String(issued)}`,
      });
    } else if (request.headers.authorization === 'Bearer access-2')
      ociError(response, 401, 'UNAUTHORIZED', 'expired');
    else ociError(response, 404, '', '');
  });
  t.is(await registry.repository('a').resolve(digest), undefined);
  t.deepEqual(wire.authorizations.filter(Boolean), ['Bearer access-2', 'Bearer access-3']);
});

test('401 for ever ends as UNAUTHENTICATED, without the token in the message', async (t) => {
  const { registry } = await acrAt(t, (request, response) => {
    request.resume();
    if (request.url?.startsWith('/oauth2/'))
      json(response, 200, { refresh_token: 'secret-r', access_token: 'secret-a' });
    else ociError(response, 401, 'UNAUTHORIZED', 'no');
  });
  const error = await t.throwsAsync(registry.repository('a').resolve(digest), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'UNAUTHENTICATED');
  t.notRegex(`${error.message} ${error.nextSteps.join()} ${String(error.stack)}`, /secret|entra/);
});

test('ACR refuses the exchange: UNAUTHENTICATED; its firewall: NETWORK_DENIED', async (t) => {
  const { registry } = await acrAt(t, (request, response) => {
    request.resume();
    ociError(response, 401, 'UNAUTHORIZED', 'no');
  });
  await t.throwsAsync(registry.repository('a').resolve(digest), {
    instanceOf: AmlpromoteError,
    code: 'UNAUTHENTICATED',
  });
  const closed = await acrAt(t, (request, response) => {
    request.resume();
    ociError(response, 403, 'DENIED', "client with IP '20.1.2.3' is not allowed access.");
  });
  await t.throwsAsync(closed.registry.repository('a').resolve(digest), {
    instanceOf: AmlpromoteError,
    code: 'NETWORK_DENIED',
  });
});

test('the service that keeps failing to issue tokens is not asked five times five times', async (t) => {
  const { wire, registry } = await acrAt(t, (request, response) => {
    request.resume();
    response.writeHead(503).end();
  });
  await t.throwsAsync(registry.repository('a').resolve(digest), {
    instanceOf: AmlpromoteError,
    code: 'SERVICE_FAILED',
  });
  t.is(wire.log.length, 5);
  const cut = await acrAt(t, (request) => void request.socket.destroy());
  await t.throwsAsync(cut.registry.repository('a').resolve(digest), {
    instanceOf: AmlpromoteError,
    code: 'UNREACHABLE',
  });
  t.is(cut.wire.log.length, 5);
});

test('a certificate that nobody here trusts is not retried', async (t) => {
  const { registry, wire } = await acrAt(t, () => undefined, { agent: undefined as never });
  const agent = createAgent({ resolve: { '*': `127.0.0.1:${String(wire.port)}` } });
  t.teardown(() => agent.destroy());
  const clock = fastClock();
  const plain = createRegistry({ host: acr, agent, clock });
  const error = await t.throwsAsync(plain.repository('a').resolve(digest), { instanceOf: AmlpromoteError });
  t.is(error.code, 'UNREACHABLE');
  t.regex(error.message, /certificate/);
  t.deepEqual(clock.pauses, []);
  t.truthy(registry);
});

test('Docker-style: anonymous bearer token from the realm, one per scope', async (t) => {
  const wire = await startWire(t, (request, response, self) => {
    if (request.url?.startsWith('/token')) json(response, 200, { token: 'anonymous', expires_in: 300 });
    else if (request.headers.authorization === 'Bearer anonymous') ociError(response, 404, '', '');
    else {
      const challenge = `Bearer realm="http://${self.host}/token",service="reg",scope="evil:*:*"`;
      json(response, 401, {}, { 'www-authenticate': challenge });
    }
  });
  const repository = registryAt(wire).repository('a/b');
  await repository.resolve(digest);
  await repository.resolve(digest);
  t.deepEqual(wire.log, [
    `HEAD /v2/a/b/manifests/${digest}`,
    '/token?service=reg&scope=repository%3Aa%2Fb%3Apull'.replace(/^/, 'GET '),
    `HEAD /v2/a/b/manifests/${digest}`,
    `HEAD /v2/a/b/manifests/${digest}`,
  ]);
});

test('Docker-style: Basic only when asked, with credentials to the realm or to the registry', async (t) => {
  const wire = await startWire(t, (request, response) => {
    if (request.headers.authorization === undefined)
      json(response, 401, {}, { 'www-authenticate': 'Basic realm="x"' });
    else ociError(response, 404, '', '');
  });
  const credentials = { username: 'u', password: 'p' };
  await registryAt(wire, { credentials }).repository('a').resolve(digest);
  t.deepEqual(wire.authorizations, [undefined, `Basic ${Buffer.from('u:p').toString('base64')}`]);
  await t.throwsAsync(registryAt(wire).repository('a').resolve(digest), {
    instanceOf: AmlpromoteError,
    code: 'UNAUTHENTICATED',
  });
});

for (const realm of [
  'https://evil.test/token',
  'http://127.0.0.1:1/token',
  'http://169.254.169.254/metadata/identity/oauth2/token',
  'http://user@HOST/token',
  'file:///etc/passwd',
]) {
  test(`threat 28: a realm at ${realm}`, async (t) => {
    const wire = await startWire(t, (_request, response, self) =>
      json(
        response,
        401,
        {},
        { 'www-authenticate': `Bearer realm="${realm.replace('HOST', self.host)}",service="x"` },
      ),
    );
    const registry = registryAt(wire, { credentials: { username: 'u', password: 'p' } });
    const error = await t.throwsAsync(registry.repository('a').resolve(digest), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, 'UNAUTHENTICATED');
    t.deepEqual(wire.authorizations, [undefined], 'no credentials went anywhere');
  });
}

test('threat 28: ACR with a foreign realm is refused', async (t) => {
  const { registry } = await acrAt(t, (request, response) => {
    request.resume();
    if (request.url?.startsWith('/oauth2/')) json(response, 200, { refresh_token: 'r', access_token: 'a' });
    else
      json(
        response,
        401,
        {},
        { 'www-authenticate': 'Bearer realm="https://evil.test/oauth2/token",service="x"' },
      );
  });
  const error = await t.throwsAsync(registry.repository('a').resolve(digest), {
    instanceOf: AmlpromoteError,
  });
  t.regex(error.message, /evil\.test/);
});

test('threat 29: what looks like ACR is not', (t) => {
  for (const host of [
    'a.azurecr.io',
    'a-b.azurecr.io',
    'a.azurecr.cn',
    'a.azurecr.us',
    'a.azurecr.io:443',
    'a.eastus.data.azurecr.io',
  ]) {
    t.true(isAcrHost(host), host);
  }
  for (const host of [
    'azurecr.io',
    '.azurecr.io',
    'x.azurecr.io.evil.test',
    'xazurecr.io',
    'azurecr.io.evil.test',
    'a.azurecr.io:443.evil.test',
  ]) {
    t.false(isAcrHost(host), host);
  }
  const token = async () => ({ token: 'entra' });
  for (const host of ['x.azurecr.io.evil.test', 'evil.test', '127.0.0.1:5000']) {
    t.throws(() => createRegistry({ host, token }), { instanceOf: AmlpromoteError, code: 'USAGE' });
  }
});

test('threat 30: plain http for loopback only', (t) => {
  for (const host of [
    'registry.test',
    'a.azurecr.io',
    '10.0.0.1:5000',
    '127.0.0.1.evil.test',
    'localhost.evil.test',
  ]) {
    t.throws(() => createRegistry({ host, scheme: 'http' }), { instanceOf: AmlpromoteError, code: 'USAGE' });
  }
  for (const host of ['localhost:5000', '127.0.0.1:5000', '127.1.2.3'])
    t.truthy(createRegistry({ host, scheme: 'http' }));
});
