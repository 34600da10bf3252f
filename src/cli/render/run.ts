import type { RunReport } from '../../steps/run.ts';
import type { RunOutput } from '../outputs.ts';
import { clean, table } from '../text.ts';

export const runDocument = (report: RunReport): RunOutput => ({
  environment: { id: report.environment.id },
  job: {
    id: report.job.id,
    name: report.job.name,
    status: report.job.status,
    outputs: report.outputs.map(({ files, ...output }) => ({ ...output, files: [...files] })),
    ...(report.log === undefined ? {} : { log: report.log }),
    ...(report.score === undefined ? {} : { score: report.score }),
  },
});

export const renderRun = ({ environment, job }: RunOutput): string =>
  table([
    ['environment', environment.id],
    ['job', `${job.name}: ${job.status}`],
    ...job.outputs.map((output) => [`  ${output.name}`, clean(output.uri)]),
    ...(job.score === undefined ? [] : [['score', clean(job.score)]]),
  ]);
