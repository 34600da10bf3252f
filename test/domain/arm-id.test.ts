import test from 'ava';
import { childArmId, formatArmId, parseArmId, sameArmId, tryParseArmId } from '../../src/domain/arm-id.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';

const group = '/subscriptions/0000-1/resourceGroups/rg-ml';
const workspace = `${group}/providers/Microsoft.MachineLearningServices/workspaces/ml-risk`;

test('an ARM id is taken apart and put together again', (t) => {
  const id = parseArmId(`${workspace}/environments/churn/versions/1.4.0`);
  t.like(id, {
    subscription: '0000-1',
    resourceGroup: 'rg-ml',
    provider: 'Microsoft.MachineLearningServices',
    type: 'workspaces/environments/versions',
    name: '1.4.0',
  });
  t.deepEqual(id.names, ['ml-risk', 'churn', '1.4.0']);
  t.is(formatArmId(id), `${workspace}/environments/churn/versions/1.4.0`);
  t.is(formatArmId(childArmId(parseArmId(workspace), 'computes', 'cpu')), `${workspace}/computes/cpu`);
});

test('ARM ignores case', (t) => {
  t.true(sameArmId(workspace, workspace.toUpperCase()));
  t.is(parseArmId(workspace.replace('resourceGroups', 'resourcegroups')).resourceGroup, 'rg-ml');
});

for (const text of [
  '',
  group,
  `${group}/providers/Microsoft.X`,
  `${group}/providers/Microsoft.X/registries`,
  `${workspace}/environments`,
  `${workspace}/`,
  `${workspace}/../secrets/x`,
  `${workspace}?api-version=1`,
  `${workspace}#x`,
  workspace.replace('ml-risk', 'ml%2frisk'),
  workspace.replace('rg-ml', '..'),
  `https://management.azure.com${workspace}`,
  `${workspace}\n`,
])
  test(`not an ARM id: ${JSON.stringify(text)}`, (t) => {
    t.is(tryParseArmId(text), undefined);
    t.is(t.throws(() => parseArmId(text), { instanceOf: AmlpromoteError }).code, 'CONTENT_INVALID');
  });
