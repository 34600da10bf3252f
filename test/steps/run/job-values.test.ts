import test from 'ava';
import { sameDatastoreUri, secondsOf } from '../../../src/steps/run/job-values.ts';

for (const [text, seconds] of [
  ['PT600S', 600],
  ['PT10M', 600],
  ['PT1H', 3600],
  ['P1D', 86_400],
  ['P1DT1H1M1S', 90_061],
  ['PT1.5S', 1.5],
  ['P7D', 604_800],
  ['PT', undefined],
  ['P', undefined],
  ['P1M', undefined],
  ['P1Y', undefined],
  ['PT1M1H', undefined],
  ['PT-1S', undefined],
  ['10m', undefined],
  ['00:10:00', undefined],
  ['pt10m', undefined],
] as const)
  test(`duration ${text}`, (t) => {
    t.is(secondsOf(text), seconds);
  });

const workspace =
  '/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws';
const short = 'azureml://datastores/d/paths/a/b';
for (const [uri, same] of [
  [short, true],
  ['azureml://subscriptions/s/resourcegroups/RG/workspaces/WS/datastores/d/paths/a/b', true],
  [
    'azureml://subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws/datastores/d/paths/a/b',
    true,
  ],
  ['azureml://subscriptions/s/resourcegroups/rg/workspaces/other/datastores/d/paths/a/b', false],
  ['azureml://subscriptions/t/resourcegroups/rg/workspaces/ws/datastores/d/paths/a/b', false],
  ['azureml://datastores/d/paths/a/b/', false],
  ['azureml://datastores/D/paths/a/b', false],
  ['azureml://datastores/d/paths/a/B', false],
  ['https://x.blob.core.windows.net/d/a/b', false],
] as const)
  test(`${uri} is ${same ? '' : 'not '}${short}`, (t) => {
    t.is(sameDatastoreUri(uri, short, workspace), same);
    t.is(sameDatastoreUri(short, uri, workspace), same);
  });
