import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.ts';

export default class SandboxStatus extends BaseCommand {
  static override summary = 'Tell whether a sandbox runs, and where.';
  static override flags = {
    dir: Flags.string({ required: true, description: 'folder of the sandbox', helpValue: 'DIR' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(SandboxStatus);
    const { sandboxStatus } = await import('../../sandbox/lifecycle.ts');
    const { table } = await import('../../src/cli/text.ts');
    const status = await sandboxStatus(flags.dir);
    const { description } = status;
    if (!status.running || !description) {
      this.print('no sandbox runs there');
      return { running: false, directory: flags.dir };
    }
    this.print(
      table([
        ['process', String(description.pid)],
        ['zones', `${description.directory}/zones.yaml`],
        ['outside', `127.0.0.1:${description.ports.outside} (TLS)`],
        ['inside', `127.0.0.1:${description.ports.inside} (TLS)`],
        ...Object.entries(description.tls443 ?? {}).map(([side, address]) => [
          side,
          `${address}:443 (TLS, for \`sandbox shell --side ${side}\`)`,
        ]),
        ...Object.values(description.registries).map(({ host, loopback }) => [
          host,
          `${loopback} (plain http, for docker, oras, cosign, notation)`,
        ]),
      ]),
    );
    return { running: true, ...description };
  }
}
