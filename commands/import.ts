import * as Args from '@oclif/core/args';
import { BaseCommand } from '../src/cli/base-command.ts';
import type { ImportOutput } from '../src/cli/outputs.ts';

export default class Import extends BaseCommand {
  static override summary =
    'Carry a release into quarantine, verify it under the inside policy, and admit it.';
  static override description =
    'Runs inside. The final repository never holds anything unverified; what is admitted is tagged, receipted and locked.';
  static override examples = ['<%= config.bin %> <%= command.id %> release.json'];
  static override args = { release: Args.string({ required: true, description: 'release.json' }) };

  async run(): Promise<ImportOutput> {
    const { args, flags } = await this.parse(Import);
    const { readReleaseFile } = await import('../src/cli/release-file.ts');
    const document = await readReleaseFile(args.release);
    const inside = await this.inside(flags);
    const report = await inside.import(document);
    const { importDocument, renderImport } = await import('../src/cli/render/import.ts');
    const output = importDocument(report);
    this.print(renderImport(output));
    return output;
  }
}
