import test from 'ava';
import { lastSmokeJob } from '../../../src/steps/run/last-job.ts';
import { memoryRecords } from '../../support/memory-workspace.ts';
import { start } from '../../support/smoke-run.ts';

const of = (workspace: { readonly id: string }) => ({ workspace: workspace.id, name: 'churn-train' });

test('no job, no answer', async (t) => {
  const { workspace, records } = await start();
  t.is(await lastSmokeJob({ jobs: workspace.jobs, records }, of(workspace)), undefined);
});

test('the last job that this machine submitted is verified, whatever was planted beside it', async (t) => {
  const { workspace, records, go, job } = await start();
  await go();
  await go();
  await workspace.jobs.submit({ ...workspace.submitted[0]!, name: 'amlpromote-churn-train-planted' });
  t.deepEqual(await lastSmokeJob({ jobs: workspace.jobs, records }, of(workspace)), {
    name: job(2),
    status: 'Completed',
    proof: 'verified',
  });
});

test('a job that is not what was submitted is unverified, and so is one that another machine submitted', async (t) => {
  const { workspace, records, go, job } = await start();
  await go();
  const other = await lastSmokeJob({ jobs: workspace.jobs, records: memoryRecords() }, of(workspace));
  t.like(other, { name: job(1), proof: 'unverified' });
  workspace.changeJob(job(1), { command: 'true' });
  t.like(await lastSmokeJob({ jobs: workspace.jobs, records }, of(workspace)), { proof: 'unverified' });
});
