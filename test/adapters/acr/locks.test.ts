import test from 'ava';
import type { ExecutionContext } from 'ava';
import { createAcrLocks } from '../../../src/adapters/acr/locks.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { fakeCredential } from '../../support/fake-credential.ts';
import { startScriptedCloud } from '../../support/network.ts';
import type { Script } from '../../support/scripted-server.ts';

const host = 'contososec.azurecr.io';
const digest = `sha256:${'a'.repeat(64)}`;
const jwt = (claims: object): string =>
  ['{}', JSON.stringify(claims), 's'].map((part) => Buffer.from(part).toString('base64url')).join('.');

/** A registry that issues tokens, and then answers `patch`. */
const registry =
  (patch: Script): Script =>
  (request) => {
    if (request.path === '/oauth2/exchange') return { body: { refresh_token: jwt({ exp: 9_999_999_999 }) } };
    if (request.path === '/oauth2/token') return { body: { access_token: 'acr-token' } };
    if (request.headers.authorization === undefined) {
      return {
        status: 401,
        headers: {
          'www-authenticate': `Bearer realm="https://${host}/oauth2/token",service="${host}",scope="repository:ml/churn-train:metadata_write"`,
        },
        body: { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] },
      };
    }
    return patch(request);
  };

async function start(t: ExecutionContext, script: Script) {
  const cloud = await startScriptedCloud(t, [host], script);
  const locks = createAcrLocks({
    host,
    registryId:
      '/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contososec',
    credential: fakeCredential,
    agent: cloud.agent,
    retry: { maxRetries: 0, retryDelayInMs: 1 },
  });
  return { cloud, locks };
}

test('manifests and tags are locked against deletion and writing; only manifests are unlocked again', async (t) => {
  const { cloud, locks } = await start(
    t,
    registry(() => ({ body: { registry: host } })),
  );
  await locks.lockManifest('ml/churn-train', digest);
  await locks.unlockManifest('ml/churn-train', digest);
  await locks.lockTag('ml/churn-train', '1.4.0');
  const patches = cloud.requests.filter(
    (request) => request.method === 'PATCH' && request.headers.authorization !== undefined,
  );
  t.deepEqual(
    patches.map(({ path, body }): unknown[] => [path, JSON.parse(body.toString())]),
    [
      [`/acr/v1/ml/churn-train/_manifests/${digest}`, { deleteEnabled: false, writeEnabled: false }],
      [`/acr/v1/ml/churn-train/_manifests/${digest}`, { deleteEnabled: true, writeEnabled: true }],
      ['/acr/v1/ml/churn-train/_tags/1.4.0', { deleteEnabled: false, writeEnabled: false }],
    ],
  );
});

async function refusal(t: ExecutionContext, script: Script): Promise<AmlpromoteError> {
  const { locks } = await start(t, script);
  return t.throwsAsync(locks.lockManifest('ml/churn-train', digest), { instanceOf: AmlpromoteError });
}

test('without the right to write metadata: FORBIDDEN, with the role', async (t) => {
  const no = { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] };
  for (const status of [401, 403]) {
    const error = await refusal(
      t,
      registry(() => ({ status, body: no })),
    );
    t.is(error.code, 'FORBIDDEN');
    t.regex(error.nextSteps.join(' '), /Container Registry Repository Writer.*registries\/contososec/);
  }
});

test('an identity that the registry does not know is UNAUTHENTICATED, not FORBIDDEN', async (t) => {
  const script = registry(() => ({}));
  const error = await refusal(t, (request) =>
    request.path === '/oauth2/exchange'
      ? { status: 401, body: { errors: [{ code: 'UNAUTHORIZED', message: 'bad token' }] } }
      : script(request),
  );
  t.is(error.code, 'UNAUTHENTICATED');
});

test('a firewall rule is NETWORK_DENIED, a missing manifest NOT_FOUND', async (t) => {
  const denied = await refusal(t, () => ({
    status: 403,
    body: {
      errors: [{ code: 'DENIED', message: "client with IP '198.51.100.7' is not allowed access" }],
    },
  }));
  t.is(denied.code, 'NETWORK_DENIED');
  const missing = await refusal(
    t,
    registry(() => ({
      status: 404,
      body: { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest is not found' }] },
    })),
  );
  t.is(missing.code, 'NOT_FOUND');
});
