import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.ts';

export default class SandboxStop extends BaseCommand {
  static override summary = 'Stop a sandbox. Its state stays.';
  static override flags = {
    dir: Flags.string({ required: true, description: 'folder of the sandbox', helpValue: 'DIR' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(SandboxStop);
    const { stopSandbox } = await import('../../sandbox/lifecycle.ts');
    const stopped = await stopSandbox(flags.dir);
    this.print(stopped ? 'stopped' : 'no sandbox runs there');
    return { running: false, directory: flags.dir, stopped };
  }
}
