import test from 'ava';
import { workspace } from '../../topology.ts';
import { mlClient, raw } from '../../../test/support/aml-clients.ts';
import { startAmlSandbox } from '../../../test/support/aml-sandbox.ts';

const group = workspace.resourceGroup;
const image = `contososec.azurecr.io/ml/churn-train@sha256:${'a'.repeat(64)}`;
const other = `contososec.azurecr.io/ml/churn-train@sha256:${'b'.repeat(64)}`;

interface Body {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly properties: Record<string, unknown>;
  readonly error: { readonly code: string; readonly message: string };
}

test('an environment version is created, read and updated by the real SDK', async (t) => {
  const { environmentVersions, environmentContainers } = mlClient(await startAmlSandbox(t));
  const created = await environmentVersions.createOrUpdate(group, workspace.name, 'churn-train', '1.4.0', {
    properties: { image, description: 'first', tags: { team: 'churn' }, properties: { digest: 'a' } },
  });
  t.is(created.id, `${workspace.id}/environments/churn-train/versions/1.4.0`);
  t.is(created.properties.image, image);
  t.is(created.properties.environmentType, 'UserCreated');

  await environmentVersions.createOrUpdate(group, workspace.name, 'churn-train', '1.4.0', {
    properties: { image, description: 'second', tags: { team: 'risk' }, properties: { release: '7' } },
  });
  const read = await environmentVersions.get(group, workspace.name, 'churn-train', '1.4.0');
  t.is(read.properties.description, 'second');
  t.deepEqual(read.properties.tags, { team: 'risk' });
  t.deepEqual(read.properties.properties, { digest: 'a', release: '7' }, 'properties only grow');
  t.is(
    (await environmentContainers.get(group, workspace.name, 'churn-train')).properties.latestVersion,
    '1.4.0',
  );
});

test('a registered version cannot be changed: 409, in the words that tools look for', async (t) => {
  const { environmentVersions } = mlClient(await startAmlSandbox(t));
  await environmentVersions.createOrUpdate(group, workspace.name, 'churn', '1', { properties: { image } });
  await t.throwsAsync(
    environmentVersions.createOrUpdate(group, workspace.name, 'churn', '1', { properties: { image: other } }),
    {
      message: 'Environment churn with version 1 is already registered and cannot be changed.',
      code: 'UserError',
    },
  );
  const read = await environmentVersions.get(group, workspace.name, 'churn', '1');
  t.is(read.properties.image, image, 'the first one stays');
});

test('a property of a registered version cannot get another value', async (t) => {
  const sandbox = await startAmlSandbox(t);
  const put = (digest: string) =>
    raw(sandbox, '/environments/churn/versions/1', {
      method: 'PUT',
      body: { properties: { image, properties: { digest } } },
    });
  t.is((await put('a')).status, 201);
  t.is((await put('a')).status, 200);
  t.is((await put('b')).status, 409);
});

const refused = test.macro({
  exec: async (t, path: string, properties: unknown, message: RegExp) => {
    const sandbox = await startAmlSandbox(t);
    const answer = await raw(sandbox, path, { method: 'PUT', body: { properties } });
    t.is(answer.status, 400);
    t.regex((answer.body as Body).error.message, message);
    t.is((await raw(sandbox, path)).status, 404, 'nothing was registered');
  },
  title: (name = '') => `refused: ${name}`,
});
const versions = (name: string): string => `/environments/${name}/versions/1`;

test('a name with a dot', refused, versions('churn.train'), { image }, /name 'churn\.train' is invalid/);
test('a reserved name', refused, versions('AzureML-churn'), { image }, /reserved/);
test('a name of 256 characters', refused, versions('x'.repeat(256)), { image }, /is invalid/);
test('neither image nor build', refused, versions('churn'), { description: 'x' }, /Exactly one/);
test(
  'both image and build',
  refused,
  versions('churn'),
  { image, build: { contextUri: 'x' } },
  /Exactly one/,
);
test(
  'tags that are not strings',
  refused,
  versions('churn'),
  { image, tags: { a: 1 } },
  /tags\.a must be a string/,
);
test('no properties', refused, versions('churn'), undefined, /properties field is required/);
test(
  'an inference route without a port',
  refused,
  versions('churn'),
  { image, inferenceConfig: { scoringRoute: { path: '/' } } },
  /scoringRoute\.port/,
);

test('an archived version stays usable, and new versions of an archived name are archived', async (t) => {
  const sandbox = await startAmlSandbox(t);
  const put = (path: string, properties: object) =>
    raw(sandbox, path, { method: 'PUT', body: { properties } });
  await put('/environments/churn/versions/1', { image });
  t.is((await put('/environments/churn', { isArchived: true })).status, 200);
  const second = (await put('/environments/churn/versions/2', { image: other })).body as Body;
  t.is(second.properties.isArchived, true);
  const names = async (query: string) =>
    ((await raw(sandbox, '/environments/churn/versions', { query })).body as { value: Body[] }).value.map(
      ({ name }) => name,
    );
  t.deepEqual(await names(''), ['1']);
  t.deepEqual(await names('listViewType=All'), ['2', '1']);
  t.deepEqual(await names('listViewType=ArchivedOnly'), ['2']);
  t.is((await raw(sandbox, '/environments/churn/versions/2')).status, 200);
});

test('lists are paged, and the real SDK follows', async (t) => {
  const sandbox = await startAmlSandbox(t);
  const { environmentVersions } = mlClient(sandbox);
  const wanted = Array.from({ length: 23 }, (_, index) => `1.${index}`);
  for (const version of wanted)
    await environmentVersions.createOrUpdate(group, workspace.name, 'churn', version, {
      properties: { image },
    });
  const found: string[] = [];
  for await (const { name = '' } of environmentVersions.list(group, workspace.name, 'churn'))
    found.push(name);
  t.deepEqual(found.sort(), wanted.sort());
  const first = await raw(sandbox, '/environments/churn/versions', {
    query: '$top=2&$orderBy=createdtime desc',
  });
  const { value, nextLink } = first.body as { value: Body[]; nextLink: string };
  t.is(value.length, 2);
  t.is(((await raw(sandbox, nextLink)).body as { value: Body[] }).value.length, 2);
});

test("what is missing is 404 in the service's words", async (t) => {
  const sandbox = await startAmlSandbox(t);
  const messageOf = async (path: string): Promise<string> => {
    const { status, body } = await raw(sandbox, path);
    t.is(status, 404);
    return `${(body as Body).error.code}: ${(body as Body).error.message}`;
  };
  t.regex(await messageOf('/environments/nope/versions/1'), /UserError: Not found environment nope/);
  t.regex(await messageOf('/environments/nope'), /UserError/);
  t.regex(await messageOf('/environments/nope/versions'), /UserError/);
});

test('environments survive a restart', async (t) => {
  const first = await startAmlSandbox(t);
  const path = '/environments/churn/versions/1';
  await raw(first, path, { method: 'PUT', body: { properties: { image } } });
  await first.stop();
  const second = await startAmlSandbox(t, { directory: first.directory });
  t.is(((await raw(second, path)).body as Body).properties.image, image);
});

test('what was planted is shown as it is, beside or instead of what a client can send', async (t) => {
  const sandbox = await startAmlSandbox(t);
  const path = '/environments/churn/versions/1';
  await raw(sandbox, path, { method: 'PUT', body: { properties: { image } } });
  const { environments } = sandbox.context.workspace;
  const shown = {
    build: { contextUri: 'https://x/' },
    osType: null,
    intellectualProperty: { publisher: 'x' },
  };
  environments.putVersion({ ...environments.version('churn', '1')!, shown });
  t.like(((await raw(sandbox, path)).body as Body).properties, { image, ...shown });
});

test('a stage that nobody said is Development, and older versions of the API show none', async (t) => {
  const sandbox = await startAmlSandbox(t);
  const path = '/environments/churn/versions/1';
  await raw(sandbox, path, { method: 'PUT', body: { properties: { image } } });
  t.is(((await raw(sandbox, path)).body as Body).properties['stage'], 'Development');
  const old = (await raw(sandbox, path, { apiVersion: '2022-10-01' })).body as Body;
  t.false('stage' in old.properties);
});

test('a member that the sandbox does not know is kept, shown, and cannot be changed', async (t) => {
  const sandbox = await startAmlSandbox(t);
  const path = '/environments/churn/versions/1';
  const put = (more: object) =>
    raw(sandbox, path, { method: 'PUT', body: { properties: { image, ...more } } });
  await put({ runtime: { class: 'x' }, nothing: null });
  const { properties } = (await raw(sandbox, path)).body as Body;
  t.deepEqual(properties['runtime'], { class: 'x' });
  t.false('nothing' in properties);
  t.is((await put({ runtime: { class: 'x' } })).status, 200);
  t.is((await put({ runtime: { class: 'y' } })).status, 409);
  t.deepEqual(((await raw(sandbox, path)).body as Body).properties['runtime'], { class: 'x' });
});
