import * as Args from '@oclif/core/args';
import { BaseCommand } from '../src/cli/base-command.ts';
import { workspaceFlag } from '../src/cli/flags.ts';
import type { RegisterOutput } from '../src/cli/outputs.ts';

export default class Register extends BaseCommand {
  static override summary =
    'Register an admitted release as an Azure ML Environment, pinned by digest, and read it back.';
  static override description = 'Runs inside. The release is verified again first.';
  static override examples = ['<%= config.bin %> <%= command.id %> release.json --workspace risk'];
  static override args = { release: Args.string({ required: true, description: 'release.json' }) };
  static override flags = {
    workspace: workspaceFlag,
  };

  async run(): Promise<RegisterOutput> {
    const { args, flags } = await this.parse(Register);
    const { readReleaseFile } = await import('../src/cli/release-file.ts');
    const document = await readReleaseFile(args.release);
    const inside = await this.inside(flags);
    const report = await inside.register(document, { workspace: flags.workspace });
    const { registerDocument, renderRegister } = await import('../src/cli/render/register.ts');
    const output = registerDocument(report);
    this.print(renderRegister(output));
    return output;
  }
}
