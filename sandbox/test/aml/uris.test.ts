import test from 'ava';
import { parseDuration } from '../../aml/duration.ts';
import { placeOf } from '../../aml/uris.ts';
import { workspace } from '../../topology.ts';

const long = `azureml://subscriptions/${workspace.subscription}/resourcegroups/${workspace.resourceGroup}/workspaces/${workspace.name}`;
const { container } = workspace.datastore;

const points = test.macro({
  exec: (t, uri: string, expected: object | undefined) => {
    t.deepEqual(placeOf(uri), expected as never);
  },
  title: (_name: string | undefined, uri: string) => `uri ${uri}`,
});
test(points, 'azureml://datastores/workspaceblobstore/paths/a/b.csv', { container, path: 'a/b.csv' });
test(points, `${long}/datastores/workspaceblobstore/paths/a/`, { container, path: 'a/' });
test(points, 'azureml://datastores/workspaceartifactstore/ExperimentRun/dcid.x', {
  container: 'azureml',
  path: 'ExperimentRun/dcid.x',
});
test(points, 'https://stcontososec.blob.core.windows.net/c/a%20b', { container: 'c', path: 'a b' });
test(points, `${long.replace('ml-risk', 'ml-other')}/datastores/workspaceblobstore/paths/a`, undefined);
test(points, 'azureml://datastores/elsewhere/paths/a', undefined);
test(points, 'azureml:churn-data:1', undefined);
test(points, 'https://stcontososec.blob.core.windows.net.evil.test/c/a', undefined);
test(points, 'http://stcontososec.blob.core.windows.net/c/a', undefined);
test(points, 'https://stcontososec.blob.core.windows.net/c/a%2F..%2Fb', undefined);
test(points, 'https://stcontososec.blob.core.windows.net/c/%zz', undefined);
test(points, 'azureml://datastores/workspaceblobstore/paths/a/../b', undefined);

const lasts = test.macro({
  exec: (t, text: string, seconds: number | undefined) => {
    t.is(parseDuration(text), seconds);
  },
  title: (_name: string | undefined, text: string) => `duration ${text === '' ? 'nothing' : text}`,
});
test(lasts, 'PT10M', 600);
test(lasts, 'PT1H30M5S', 5405);
test(lasts, 'P1DT1S', 86401);
test(lasts, 'PT0S', undefined);
test(lasts, 'P', undefined);
test(lasts, 'PT', undefined);
test(lasts, '10m', undefined);
test(lasts, 'P10Y', undefined);
test(lasts, '', undefined);
