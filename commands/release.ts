import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.ts';
import type { ReleaseOutput } from '../src/cli/outputs.ts';

export default class Release extends BaseCommand {
  static override summary = 'Make the signed release of image and evidence, and write release.json.';
  static override description = 'Runs outside. release.json is the whole handover to the sensitive zone.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> manifests/images/churn-train.yaml --out release.json',
  ];
  static override args = { image: Args.string({ required: true, description: 'image manifest' }) };
  static override flags = {
    out: Flags.string({
      description: 'where to write release.json',
      default: 'release.json',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<ReleaseOutput> {
    const { args, flags } = await this.parse(Release);
    const { loadImage } = await import('../src/manifest/image.ts');
    const spec = await loadImage(args.image);
    const { requireReleaseTarget, writeReleaseFile } = await import('../src/cli/release-file.ts');
    await requireReleaseTarget(flags.out);
    const outside = await this.outside(flags);
    const image = await outside.find(spec);
    const report = await outside.release(spec, image);
    const { releaseDocument, renderRelease } = await import('../src/cli/render/release.ts');
    const document = releaseDocument(spec, report, await writeReleaseFile(flags.out, report.document));
    this.print(renderRelease(document));
    return document;
  }
}
