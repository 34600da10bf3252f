import test from 'ava';
import fc from 'fast-check';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import type { EnvironmentRequest, EnvironmentVersion } from '../../../src/ports/workspace.ts';
import {
  environmentDifferences,
  requireSameEnvironment,
} from '../../../src/steps/register/same-environment.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const image = `contososec.azurecr.io/ml/churn-train@${digest}`;
const request: EnvironmentRequest = {
  name: 'churn-train',
  version: '1.4.0',
  image,
  tags: { 'amlpromote.digest': digest },
  properties: { 'amlpromote.image.digest': digest },
};
const id = '/subscriptions/x/environments/churn-train/versions/1.4.0';

/** As the service shows what we registered (SDK recordings and public threads; api-version 2024-10-01). */
const ours = {
  description: null,
  tags: request.tags,
  properties: request.properties,
  isArchived: false,
  isAnonymous: false,
  environmentType: 'UserCreated',
  image,
  condaFile: '',
  osType: 'Linux',
  provisioningState: 'Succeeded',
  stage: 'Development',
};

const version = (
  changes: Readonly<Record<string, unknown>> = {},
  envelope: Readonly<Record<string, unknown>> = {},
): EnvironmentVersion => ({
  id,
  raw: {
    id,
    name: '1.4.0',
    type: 'Microsoft.MachineLearningServices/workspaces/environments/versions',
    properties: { ...ours, ...changes },
    systemData: { createdBy: 'somebody', createdByType: 'User' },
    ...envelope,
  },
  image,
  tags: {},
  properties: {},
  archived: false,
});

const accepted = test.macro({
  exec: (t, changes: Readonly<Record<string, unknown>>) => {
    t.deepEqual(environmentDifferences(version(changes), request), []);
  },
  title: (name = '') => `the same: ${name}`,
});
const refused = test.macro({
  exec: (t, changes: Readonly<Record<string, unknown>>, ...told: readonly string[]) => {
    const error = t.throws(() => requireSameEnvironment(version(changes), request, 'risk'), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, 'VERSION_CONFLICT');
    t.is(error.exitCode, 10);
    for (const words of told) t.true(error.message.includes(words), error.message);
    t.not(error.nextSteps.length, 0);
  },
  title: (name = '') => `another: ${name}`,
});

test('what we registered', accepted, {});
test('nothing but what decides', accepted, {
  ...Object.fromEntries(Object.keys(ours).map((key) => [key, null])),
  image,
});
test('what was not set, shown as null', accepted, {
  build: null,
  inferenceConfig: null,
  autoRebuild: null,
  condaFile: null,
  intellectualProperty: null,
});
test('a tag beside the digest', accepted, { image: image.replace('@', ':1.4.0@') });
test("the service's words in another case", accepted, {
  osType: 'linux',
  environmentType: 'userCreated',
  autoRebuild: 'disabled',
  provisioningState: 'succeeded',
});
test("people's words", accepted, {
  description: 'the good one',
  tags: { 'amlpromote.digest': 'forged' },
  properties: { 'azureml.labels': 'latest' },
  stage: 'Production',
});
test('archived: it can still be used', accepted, { isArchived: true });

test('another digest', refused, { image: image.replace('aaa', 'bbb') }, 'bbb', digest);
test('a tag alone', refused, { image: 'contososec.azurecr.io/ml/churn-train:1.4.0' }, image);
test('another registry', refused, { image: image.replace('contososec', 'evil') }, 'evil.azurecr.io');
test('another repository', refused, { image: image.replace('churn-train@', 'other@') });
test('an image with something in front', refused, { image: `evil.io/${image}` });
test('no image', refused, { image: null }, 'properties.image is not shown', image);
test('an empty image', refused, { image: '' });
test('an image in a list', refused, { image: [image] });
test(
  'a build beside the image',
  refused,
  { build: { contextUri: 'https://x/', dockerfilePath: 'Dockerfile' } },
  'properties.build is {"contextUri":"https://x/"',
  'wanted: nothing',
);
test('an empty build', refused, { build: {} }, 'properties.build');
test('a conda file', refused, { condaFile: 'dependencies: [pip: [evil]]' }, 'properties.condaFile', 'evil');
test('a conda file of spaces', refused, { condaFile: ' ' });
test('a conda file that is an object', refused, { condaFile: {} });
test('Windows', refused, { osType: 'Windows' }, 'properties.osType is "Windows" (wanted: "Linux")');
test('no system at all', refused, { osType: '' });
test('rebuilding', refused, { autoRebuild: 'OnBaseImageUpdate' }, 'properties.autoRebuild', '"Disabled"');
test(
  'an inference configuration',
  refused,
  { inferenceConfig: { scoringRoute: { path: '/', port: 80 } } },
  'properties.inferenceConfig',
);
test('a curated environment', refused, { environmentType: 'Curated' }, 'properties.environmentType');
test('an anonymous one', refused, { isAnonymous: true }, 'properties.isAnonymous is true (wanted: false)');
test('one that could not be made', refused, { provisioningState: 'Failed' }, 'properties.provisioningState');
test('an archive flag that is no flag', refused, { isArchived: 'no' });
test('a stage that is no text', refused, { stage: { run: 'x' } });
test('tags that are no object', refused, { tags: ['x'] });
test(
  'a member that the specification does not have',
  refused,
  { runAs: 'root' },
  'properties.runAs is "root"',
);
test('a known member in another spelling', refused, { Image: 'evil' }, 'properties.Image');
test('a known member in another spelling, the same value', refused, { IMAGE: image }, 'properties.IMAGE');
test('members of prototypes', refused, { constructor: 'x' }, 'properties.constructor');
test('several at once', refused, { osType: 'Windows', condaFile: 'x' }, 'osType', 'condaFile');

test('another: what stands beside the properties', (t) => {
  for (const envelope of [{ identity: {} }, { Properties: ours }, { properties: null }, { properties: [] }])
    t.not(environmentDifferences(version({}, envelope), request).length, 0, JSON.stringify(envelope));
});

test('property: any member more is another environment, unless it says nothing', (t) => {
  const name = fc.string({ minLength: 1 }).filter((key) => !Object.hasOwn(ours, key) && key !== '__proto__');
  const known = new Set(['autoRebuild']);
  fc.assert(
    fc.property(name, fc.jsonValue(), (key, value) => {
      const found = environmentDifferences(version({ [key]: value }), request);
      return value === null || known.has(key) ? true : found.length > 0;
    }),
  );
  fc.assert(
    fc.property(name, (key) => environmentDifferences(version({ [key]: null }), request).length === 0),
  );
  t.pass();
});

test('property: any other value of a member that decides is another environment', (t) => {
  const same: Readonly<Record<string, readonly unknown[]>> = {
    image: [image],
    osType: ['linux', null],
    condaFile: ['', null],
    autoRebuild: ['disabled', null],
    inferenceConfig: [null],
    build: [null],
    isAnonymous: [false, null],
    environmentType: ['usercreated', null],
    provisioningState: ['succeeded', null],
  };
  const lower = (value: unknown): unknown => (typeof value === 'string' ? value.toLowerCase() : value);
  for (const [key, values] of Object.entries(same)) {
    const arbitrary = fc.jsonValue().filter((value) => !values.includes(lower(value)));
    fc.assert(
      fc.property(
        arbitrary,
        (value) => environmentDifferences(version({ [key]: value }), request).length > 0,
      ),
      { numRuns: 50 },
    );
  }
  t.pass();
});
