import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';

export default class SandboxShell extends BaseCommand {
  static override summary = 'Run a program for which the names of Azure lead to the sandbox.';
  static override description =
    'Linux only; the sandbox must have been started with --tls-443. The program, by default your shell, gets its own /etc/hosts in a private mount namespace, the certificate authority, and a configuration folder of its own for az; nothing else on this machine is changed.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --dir sandbox --side outside -- az acr repository list --name contosodev',
    '<%= config.bin %> <%= command.id %> --dir sandbox --side inside',
  ];
  static override strict = false;
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
    const { runInShell } = await import('../../sandbox/shell.ts');
    const { environment, shell } = readShellSettings();
    // Word for word as it was typed: the parser would take some of it for itself.
    const at = this.argv.indexOf('--');
    if (at < 0 && argv.length > 0)
      throw new AmlpromoteError('USAGE', `Unexpected argument: ${String(argv[0])}`, {
        nextSteps: ['Write `--` before the program that is to run.'],
      });
    const [program = shell, ...rest] = at < 0 ? [] : this.argv.slice(at + 1);
    // Ctrl-C is for the program; what it makes of that is its own affair.
    process.removeAllListeners('SIGINT').on('SIGINT', () => undefined);
    const exitCode = await runInShell({
      ...flags,
      command: [program, ...rest],
      environment,
      // With --json the one document on stdout is ours.
      stdout: this.jsonEnabled() ? 'stderr' : 'stdout',
      signal: this.signal,
    });
    this.conclude(exitCode);
    return { running: true, directory: flags.dir, side: flags.side, exitCode };
  }
}
