import * as Args from '@oclif/core/args';
import { BaseCommand } from '../src/cli/base-command.ts';
import type { SignOutput } from '../src/cli/outputs.ts';

export default class Sign extends BaseCommand {
  static override summary = 'Sign an image and attest its SBOM, scan report and provenance.';
  static override description = "Runs outside. Nothing is signed that this zone's own policy does not allow.";
  static override examples = ['<%= config.bin %> <%= command.id %> manifests/images/churn-train.yaml'];
  static override args = {
    image: Args.string({ required: true, description: 'image manifest, or image reference' }),
  };

  async run(): Promise<SignOutput> {
    const { args, flags } = await this.parse(Sign);
    const context = await this.context(flags);
    const { openOutside } = await import('../src/cli/open.ts');
    const { subjectOf } = await import('../src/cli/subject.ts');
    const outside = await openOutside(context);
    const subject = await subjectOf(context, outside, args.image);
    const report = await outside.sign(subject);
    const { renderSign, signDocument } = await import('../src/cli/render/sign.ts');
    const document = signDocument(subject, report);
    this.print(renderSign(document));
    return document;
  }
}
