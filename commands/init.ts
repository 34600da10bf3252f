import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.ts';

export default class Init extends BaseCommand {
  static override summary = 'Write starter manifests, policies, and keys with certificates for both sides.';
  static override description = 'Never overwrites: what is there is kept and named.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --dir promotion --organisation Contoso --state Tokyo --country JP',
  ];
  static override flags = {
    dir: Flags.string({ description: 'where to write', default: '.', helpValue: 'DIR' }),
    organisation: Flags.string({ description: 'O of the certificates', required: true }),
    state: Flags.string({ description: 'ST of the certificates: state or province', required: true }),
    country: Flags.string({ description: 'C of the certificates: two letters', required: true }),
  };

  async run(): Promise<{ directory: string; written: string[]; kept: string[] }> {
    const { flags } = await this.parse(Init);
    const [{ initProject }, { createLoneIdentity, createSigningIdentity }, { systemClock }] =
      await Promise.all([
        import('../src/steps/init.ts'),
        import('../src/evidence/certificates.ts'),
        import('../src/cli/clock.ts'),
      ]);
    const report = await initProject({
      dir: flags.dir,
      organisation: { name: flags.organisation, state: flags.state, country: flags.country },
      clock: systemClock,
      createIdentities: { createSigningIdentity, createLoneIdentity },
    });
    for (const file of report.written) this.print(`written  ${file}`);
    for (const file of report.kept) this.print(`kept     ${file}`);
    for (const step of report.nextSteps) this.print(`next     ${step}`);
    return { directory: report.directory, written: [...report.written], kept: [...report.kept] };
  }
}
