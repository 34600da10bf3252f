import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.ts';

export default class SandboxStart extends BaseCommand {
  static override summary = 'Start the local two-zone Azure.';
  static override description =
    'Loopback only. Writes zones.yaml for both sides and one folder per side with its own zones manifest, policy, key and token; its state survives a restart. Jobs run in the Docker Engine with no network.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --dir sandbox --detach',
    '<%= config.bin %> promote manifests/images/churn-train.yaml --zones sandbox/zones.yaml',
  ];
  static override flags = {
    dir: Flags.string({ required: true, description: 'folder of the sandbox', helpValue: 'DIR' }),
    'tls-443': Flags.boolean({
      description:
        'listen on port 443 of two loopback addresses too, for `sandbox shell` (az, azure-ai-ml and other clients)',
    }),
    detach: Flags.boolean({ description: 'return when it serves; stop it with `sandbox stop`' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(SandboxStart);
    const { readSettings } = await import('../../src/cli/settings.ts');
    const { writeSandboxFiles } = await import('../../src/cli/sandbox-setup.ts');
    const { engine } = readSettings(flags);
    // A named engine is passed on; else the sandbox looks where engines usually are.
    const options = { dir: flags.dir, engineHost: engine.host, tls443: flags['tls-443'] };
    await writeSandboxFiles(flags.dir);
    if (flags.detach) {
      const { startDetached } = await import('../../sandbox/detach.ts');
      const description = await startDetached(options);
      this.print(
        `sandbox serves (process ${description.pid}); use --zones ${description.directory}/zones.yaml`,
      );
      return { running: true, ...description };
    }
    const { startSandbox } = await import('../../sandbox/index.ts');
    const sandbox = await startSandbox(options);
    const document = { running: true, ...sandbox.description };
    // The one document is due now, not when it ends.
    if (this.jsonEnabled()) process.stdout.write(`${JSON.stringify(document)}\n`);
    this.print(
      `sandbox serves (process ${document.pid}); use --zones ${document.directory}/zones.yaml; Ctrl-C stops it`,
    );
    this.signal.addEventListener('abort', () => void sandbox.stop());
    await sandbox.stopped;
    return undefined;
  }
}
