import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.ts';
import type { DiscardOutput, ImportOutput } from '../src/cli/outputs.ts';

export default class Import extends BaseCommand {
  static override summary =
    'Carry a release into quarantine, verify it under the inside policy, and admit it.';
  static override description =
    'Runs inside. Signatures are carried and verified before anything else. The final repository never holds anything unverified; what is admitted is tagged, receipted and locked. What a refused import left in quarantine is removed with --discard.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> release.json',
    '<%= config.bin %> <%= command.id %> release.json --discard',
  ];
  static override args = { release: Args.string({ required: true, description: 'release.json' }) };
  static override flags = {
    discard: Flags.boolean({
      description:
        'import nothing; remove what of this release is in quarantine and no other release there needs',
    }),
  };

  async run(): Promise<ImportOutput | DiscardOutput> {
    const { args, flags } = await this.parse(Import);
    const { readReleaseFile } = await import('../src/cli/release-file.ts');
    const document = await readReleaseFile(args.release);
    const inside = await this.inside(flags);
    const { discardDocument, importDocument, renderDiscard, renderImport } =
      await import('../src/cli/render/import.ts');
    if (flags.discard) {
      const discarded = discardDocument(await inside.discard(document));
      this.print(renderDiscard(discarded));
      return discarded;
    }
    const report = await inside.import(document);
    const output = importDocument(report);
    this.print(renderImport(output));
    return output;
  }
}
