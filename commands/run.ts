import * as Args from '@oclif/core/args';
import { BaseCommand } from '../src/cli/base-command.ts';
import { computeFlag, workspaceFlag } from '../src/cli/flags.ts';
import type { RunOutput } from '../src/cli/outputs.ts';

export default class Run extends BaseCommand {
  static override summary =
    'Run the smoke job of a registered release in the sensitive workspace, and wait for it.';
  static override description =
    'Runs inside. The release is verified again first. A failed job is exit 10, with the tail of its log.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> release.json --workspace risk --compute cpu',
  ];
  static override args = { release: Args.string({ required: true, description: 'release.json' }) };
  static override flags = {
    workspace: workspaceFlag,
    compute: computeFlag,
  };

  async run(): Promise<RunOutput> {
    const { args, flags } = await this.parse(Run);
    const { readReleaseFile } = await import('../src/cli/release-file.ts');
    const document = await readReleaseFile(args.release);
    const inside = await this.inside(flags);
    const report = await inside.run(document, { workspace: flags.workspace, compute: flags.compute });
    const { renderRun, runDocument } = await import('../src/cli/render/run.ts');
    const output = runDocument(report);
    this.print(renderRun(output));
    return output;
  }
}
