import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.ts';
import type { StatusOutput } from '../src/cli/outputs.ts';

export default class Status extends BaseCommand {
  static override summary = 'Tell what is where, as far as this side can see.';
  static override args = {
    subject: Args.string({ required: true, description: 'image manifest, or release.json' }),
  };
  static override flags = {
    workspace: Flags.string({ description: 'only this workspace', helpValue: 'NAME' }),
  };

  async run(): Promise<StatusOutput> {
    const { args, flags } = await this.parse(Status);
    const { statusOf } = await import('../src/cli/status.ts');
    const { renderStatus } = await import('../src/cli/render/status.ts');
    const document = await statusOf(await this.context(flags), args.subject, flags.workspace);
    this.print(renderStatus(document));
    return document;
  }
}
