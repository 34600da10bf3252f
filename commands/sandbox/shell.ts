import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.ts';

export default class SandboxShell extends BaseCommand {
  static override summary = 'Run a program for which the names of Azure lead to the sandbox.';
  static override description =
    'Linux only; the sandbox must have been started with --tls-443. The program, by default your shell, gets its own /etc/hosts in a private mount namespace, the certificate authority, and a configuration folder of its own for az; nothing else on this machine is changed.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --dir sandbox --side outside -- az acr repository list --name contosodev',
    '<%= config.bin %> <%= command.id %> --dir sandbox --side inside',
  ];
  static override strict = false;
  /** What is printed is the program's own. */
  static override enableJsonFlag = false;
  static override flags = {
    dir: Flags.string({ required: true, description: 'folder of the sandbox', helpValue: 'DIR' }),
    side: Flags.option({
      options: ['outside', 'inside'] as const,
      description: 'from which network, and as whose identity',
    })({ required: true }),
  };

  async run(): Promise<unknown> {
    const { flags, argv } = await this.parse(SandboxShell);
    const { readShellSettings } = await import('../../src/cli/settings.ts');
    const { runInShell } = await import('../../src/sandbox/shell.ts');
    const { environment, shell } = readShellSettings();
    const [program = shell, ...rest] = argv.map(String);
    // Ctrl-C is for the program; what it makes of that is its own affair.
    process.removeAllListeners('SIGINT').on('SIGINT', () => undefined);
    this.conclude(
      await runInShell({ ...flags, command: [program, ...rest], environment, signal: this.signal }),
    );
    return undefined;
  }
}
