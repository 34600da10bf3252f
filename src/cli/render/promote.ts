import type { PlannedStep } from '../../sides/promote.ts';
import type { ErrorBody } from '../error.ts';
import type { PromoteOutput } from '../outputs.ts';
import { clean, count, table } from '../text.ts';
import { verdictWord } from './verdict.ts';

/** One image of several that did not make it. */
export interface PromotionFailure {
  readonly image: { readonly name: string };
  readonly error: ErrorBody;
}

export const renderPlan = (plan: readonly PlannedStep[]): string =>
  table([
    ['image', 'step', 'side', 'does'],
    ...plan.map((line) => [line.image, line.step, line.side, clean(line.does)]),
  ]);

/** The table at the end: a block per image. */
export const renderPromotions = (results: readonly (PromoteOutput | PromotionFailure)[]): string =>
  results
    .map((result) => table(('error' in result ? failureRows(result) : rows(result)).map((row) => [...row])))
    .join('\n\n');

const failureRows = ({ image, error }: PromotionFailure): readonly (readonly string[])[] => [
  ['image', clean(image.name)],
  ['failed', error.code],
];

function rows(result: PromoteOutput): readonly (readonly string[])[] {
  const { image, scan, signatures, release, delivered, receipt, environment, job } = result;
  const list: (readonly string[])[] = [
    ['image', `${image.name ?? image.repository} ${image.version}`],
    ['digest', image.digest],
  ];
  if (scan)
    list.push([
      'verdict',
      `${verdictWord(scan.verdict)}: ${count(scan.components, 'package')}, ${count(scan.findings, 'finding')}`,
    ]);
  if (signatures.length > 0) list.push(['evidence', signatures.map((one) => one.role).join(', ')]);
  if (release) list.push(['release', `${release.counter}, ${release.digest}`]);
  if (release?.file !== undefined) list.push(['handover', release.file]);
  if (delivered) list.push(['delivered', delivered.reference]);
  if (receipt) list.push(['receipt', receipt.digest]);
  if (environment) list.push(['environment', environment.id]);
  if (job) {
    list.push(['job', `${job.name}: ${job.status}`]);
    for (const output of job.outputs)
      list.push([
        `  ${output.name}`,
        `${clean(output.files.join(', ')) || (output.readable === false ? '(not readable from here)' : '(empty)')}  ${clean(output.uri)}`,
      ]);
    if (job.log !== undefined)
      for (const line of job.log.trimEnd().split('\n').slice(-5)) list.push(['  log', clean(line)]);
  }
  return list;
}
