import type { ExecutionContext } from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ProgressEvent } from '../../src/domain/events.ts';
import type { CarriedManifest } from '../../src/evidence/carried-manifest.ts';
import { environmentOf } from '../../src/steps/register/environment.ts';
import { run } from '../../src/steps/run.ts';
import type { RunInput } from '../../src/steps/run.ts';
import { manualClock } from './manual-clock.ts';
import { memoryRecords, memoryWorkspace } from './memory-workspace.ts';
import type { MemoryRecords, MemoryWorkspace } from './memory-workspace.ts';
import { verifiedRelease } from './verified-release.ts';

export const csv = Buffer.from('age,churned\n42,1\n');
export type Smoke = NonNullable<CarriedManifest['smoke']>;

export const smoke: Smoke = {
  command: 'python train.py --data ${{inputs.data}} --rounds ${{inputs.rounds}} --out ${{outputs.model}}',
  inputs: {
    data: { type: 'uri_file', file: 'churn.csv', layer: 0 },
    rounds: { type: 'literal', value: '10' },
  },
  outputs: { model: { type: 'uri_folder' } },
  timeoutSeconds: 600,
};

export interface Setup {
  readonly workspace?: MemoryWorkspace;
  /** Of the machine: the same records are the same machine. */
  readonly records?: MemoryRecords;
  readonly smoke?: Smoke | null;
  readonly compute?: string | null;
  readonly registered?: boolean;
  readonly signal?: AbortSignal;
}

/** `run` over a workspace in memory, with the smoke job of a verified release. */
export async function start(setup: Setup = {}) {
  const wanted = setup.smoke === undefined ? smoke : setup.smoke;
  const { verified, content } = await verifiedRelease({
    ...(wanted === null ? {} : { carried: { smoke: wanted } }),
    inputs: [csv],
  });
  const workspace = setup.workspace ?? memoryWorkspace();
  const records = setup.records ?? memoryRecords();
  if (setup.registered !== false) workspace.putEnvironment(environmentOf(verified));
  const events: ProgressEvent[] = [];
  const clock = manualClock();
  const input: RunInput = {
    verified,
    workspace: {
      name: 'risk',
      id: workspace.id,
      compute: setup.compute === null ? undefined : (setup.compute ?? 'cpu-cluster'),
    },
  };
  const { environments, jobs, datastore } = workspace;
  const go = () =>
    run(input, {
      environments,
      jobs,
      datastore,
      records,
      content,
      clock,
      progress: (event) => events.push(event),
      signal: setup.signal,
    });
  /** The name of the n-th job that was submitted. */
  const job = (n: number): string => workspace.submitted[n - 1]?.name ?? 'none';
  return { workspace, records, events, clock, go, job, verified };
}

export const refusal = (t: ExecutionContext, promise: Promise<unknown>): Promise<AmlpromoteError> =>
  t.throwsAsync(promise, { instanceOf: AmlpromoteError });
