import path from 'node:path';
import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import { loadZones } from '../../src/manifest/zones.ts';
import type { WorkspaceChoice } from '../../src/policy/workspace-choice.ts';
import { chooseWorkspace } from '../../src/policy/workspace-choice.ts';
import { zonesYaml } from '../support/manifest-samples.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

const twoWorkspaces = zonesYaml
  .replace(
    'compute: { cpu: cpu-cluster, gpu: gpu-cluster } } }',
    'compute: { cpu: cpu-cluster, gpu: gpu-cluster } }, lab: { id: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml/providers/Microsoft.MachineLearningServices/workspaces/ml-lab, compute: { a100: a100-cluster } }, odd: { id: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml/providers/Microsoft.MachineLearningServices/workspaces/ml-odd, compute: { a: cluster-a, b: cluster-b } } }',
  )
  .replace(
    'admits: [',
    'admits: [ { repository: "lab/*", workspaces: [lab] }, { repository: "odd/*", workspaces: [odd] }, { repository: "ml/churn-score", workspaces: [lab] },',
  );

const choices: readonly (readonly [string, string, WorkspaceChoice, string])[] = [
  ['the only admitted one', 'ml/churn-train', {}, 'risk cpu-cluster'],
  ['by name', 'ml/churn-score', { workspace: 'lab' }, 'lab a100-cluster'],
  ['several are admitted', 'ml/churn-score', {}, 'USAGE'],
  ['another one than admitted', 'ml/churn-train', { workspace: 'lab' }, 'NOT_ADMITTED'],
  ['one that does not exist', 'ml/churn-train', { workspace: 'nowhere' }, 'USAGE'],
  ['a name of every object', 'ml/churn-train', { workspace: 'constructor' }, 'USAGE'],
  ['admitted nowhere', 'ml/secret', {}, 'NOT_ADMITTED'],
  ['a compute by its purpose', 'ml/churn-train', { compute: 'gpu' }, 'risk gpu-cluster'],
  ['a compute by its name', 'ml/churn-train', { compute: 'big-node' }, 'risk big-node'],
  ['a compute called like a method', 'ml/churn-train', { compute: 'constructor' }, 'risk constructor'],
  ['the only compute', 'lab/x', {}, 'lab a100-cluster'],
  ['several computes, none for cpu', 'odd/x', {}, 'odd undefined'],
];
for (const [title, from, choice, expected] of choices) {
  test(title, async (t) => {
    const directory = await temporaryDirectory(t, { 'zones.yaml': twoWorkspaces });
    const zones = await loadZones(path.join(directory, 'zones.yaml'));
    if (/^[A-Z_]+$/.test(expected)) {
      const error = t.throws(() => chooseWorkspace(zones, from, choice), { instanceOf: AmlpromoteError });
      t.is(error.code, expected as ErrorCode);
      t.true(error.nextSteps.length > 0);
      return;
    }
    const { name, compute } = chooseWorkspace(zones, from, choice);
    t.is(`${name} ${String(compute)}`, expected);
  });
}
