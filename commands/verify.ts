import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.ts';
import type { VerifyOutput } from '../src/cli/outputs.ts';

export default class Verify extends BaseCommand {
  static override summary = 'Verify a release or an image, rule by rule. Changes nothing.';
  static override description =
    'Runs in either zone, offline: nothing is asked but the registry. A release is verified where it was admitted (inside) or released (outside); an image by the evidence attached to it. The verdict is also the exit code: 0 allowed, 10 refused, 20 could not check.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> release.json',
    '<%= config.bin %> <%= command.id %> contososec.azurecr.io/ml/churn-train:1.4.0',
  ];
  static override args = {
    subject: Args.string({ required: true, description: 'release.json or image reference' }),
  };
  static override flags = {
    side: Flags.option({
      options: ['outside', 'inside'] as const,
      description: 'where to verify a release; default inside if this side can reach it',
    })(),
  };

  async run(): Promise<VerifyOutput> {
    const { args, flags } = await this.parse(Verify);
    const { verifySubject } = await import('../src/cli/verify-subject.ts');
    const report = await verifySubject(await this.context(flags), args.subject, flags.side);
    const { exitCodeOf, renderVerification, verifyDocument } = await import('../src/cli/render/verify.ts');
    const document = verifyDocument(report);
    this.print(renderVerification(document));
    this.conclude(exitCodeOf(document.verdict));
    return document;
  }
}
