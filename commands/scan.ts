import * as Args from '@oclif/core/args';
import { BaseCommand } from '../src/cli/base-command.ts';
import type { ScanOutput } from '../src/cli/outputs.ts';

export default class Scan extends BaseCommand {
  static override summary =
    'List what is in an image, match it with the advisory database, and ask the policy.';
  static override description =
    'Runs outside. The verdict is also the exit code: 0 allowed, 10 refused, 20 could not check (unknown is not clean).';
  static override examples = ['<%= config.bin %> <%= command.id %> manifests/images/churn-train.yaml'];
  static override args = {
    image: Args.string({ required: true, description: 'image manifest, or image reference' }),
  };

  async run(): Promise<ScanOutput> {
    const { args, flags } = await this.parse(Scan);
    const context = await this.context(flags);
    const { openOutside } = await import('../src/cli/open.ts');
    const { subjectOf } = await import('../src/cli/subject.ts');
    const outside = await openOutside(context);
    const reports = await outside.scan(await subjectOf(context, outside, args.image));
    const { renderScan, scanDocument } = await import('../src/cli/render/scan.ts');
    const { exitCodeOf } = await import('../src/cli/render/verdict.ts');
    const document = scanDocument(reports);
    this.print(renderScan(document));
    this.conclude(exitCodeOf(document.verdict));
    return document;
  }
}
