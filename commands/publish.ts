import * as Args from '@oclif/core/args';
import { BaseCommand } from '../src/cli/base-command.ts';
import type { PublishOutput } from '../src/cli/outputs.ts';

export default class Publish extends BaseCommand {
  static override summary = 'Copy a built image to the staging repository of the non-sensitive registry.';
  static override examples = ['<%= config.bin %> <%= command.id %> manifests/images/churn-train.yaml'];
  static override args = { image: Args.string({ required: true, description: 'image manifest' }) };

  async run(): Promise<PublishOutput> {
    const { args, flags } = await this.parse(Publish);
    const { loadImage } = await import('../src/manifest/image.ts');
    const spec = await loadImage(args.image);
    const outside = await this.outside(flags);
    const image = await outside.find(spec);
    const report = await outside.publish(image);
    const { publishDocument } = await import('../src/cli/render/publish.ts');
    const document = publishDocument(spec, image, report);
    this.print(document.reference);
    return document;
  }
}
