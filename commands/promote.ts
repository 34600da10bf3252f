import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.ts';
import { computeFlag, workspaceFlag } from '../src/cli/flags.ts';

export default class Promote extends BaseCommand {
  static override summary =
    'Take images through all steps: build, scan, publish, sign, release, import, verify, register, run.';
  static override description =
    'Over both sides where this machine reaches both. In pipelines: `--outside IMAGE.yaml` in the one zone, `--inside release.json` in the other. Running again is safe: what is done is not done again, but the smoke job.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> manifests/images/churn-train.yaml --zones sandbox/zones.yaml',
    '<%= config.bin %> <%= command.id %> manifests/images/churn-train.yaml --outside --out release.json',
    '<%= config.bin %> <%= command.id %> --inside release.json',
  ];
  static override strict = false;
  static override args = { images: Args.string({ description: 'image manifests: IMAGE.yaml…' }) };
  static override flags = {
    outside: Flags.boolean({
      description: 'only the steps of the non-sensitive side',
      exclusive: ['inside'],
    }),
    inside: Flags.string({
      description: 'only the steps of the sensitive side, for this release.json; may be repeated',
      multiple: true,
      helpValue: 'RELEASE',
    }),
    'dry-run': Flags.boolean({ description: 'print the plan and touch nothing' }),
    rebuild: Flags.boolean({ description: 'build even if the same build is there' }),
    out: Flags.string({
      description: 'where --outside writes release.json (several images: NAME.release.json beside it)',
      helpValue: 'FILE',
    }),
    workspace: workspaceFlag,
    compute: computeFlag,
  };

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(Promote);
    const { runPromotion } = await import('../src/cli/promotion.ts');
    const outcome = await runPromotion(await this.context(flags), {
      images: argv.map(String),
      mode: flags.outside ? 'outside' : flags.inside ? 'inside' : 'both',
      releases: flags.inside ?? [],
      dryRun: flags['dry-run'],
      rebuild: flags.rebuild,
      out: flags.out,
      choice: { workspace: flags.workspace, compute: flags.compute },
    });
    this.print(outcome.text);
    this.conclude(outcome.exitCode);
    return outcome.document;
  }
}
