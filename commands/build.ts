import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.ts';
import type { BuildOutput } from '../src/cli/outputs.ts';

export default class Build extends BaseCommand {
  static override summary = 'Build an image, or take over an existing one by digest, into the local store.';
  static override description =
    'Runs outside. An image that was built from the same context, Dockerfile, arguments and base is not built again.';
  static override examples = ['<%= config.bin %> <%= command.id %> manifests/images/churn-train.yaml'];
  static override args = { image: Args.string({ required: true, description: 'image manifest' }) };
  static override flags = {
    rebuild: Flags.boolean({ description: 'build even if the same build is there' }),
  };

  async run(): Promise<BuildOutput> {
    const { args, flags } = await this.parse(Build);
    const { loadImage } = await import('../src/manifest/image.ts');
    const spec = await loadImage(args.image);
    const outside = await this.outside(flags);
    const report = await outside.build(spec, { rebuild: flags.rebuild });
    const { buildDocument, renderBuild } = await import('../src/cli/render/build.ts');
    const document = buildDocument(spec, report);
    this.print(renderBuild(document));
    return document;
  }
}
