import type { CarriedManifest } from '../../evidence/carried-manifest.ts';

/**
 * What `environment.uses` promises, as far as the image manifest shows it. Advice only: the workspace would take the environment
 * without it, and the use would fail later (azure.md, "AML").
 */
export function lintUses(carried: CarriedManifest): readonly string[] {
  return carried.environment.uses.flatMap((use) => lintUse(use, carried));
}

function lintUse(use: string, carried: CarriedManifest): readonly string[] {
  const say = (text: string): string => `${use}: ${text}`;
  switch (use) {
    case 'batch-training':
      return [
        ...smokeNotes(carried, say),
        ...(carried.smoke && Object.keys(carried.smoke.outputs).length === 0
          ? [say('the smoke job has no output, so nothing shows that training leaves a model behind')]
          : []),
      ];
    case 'batch-inference':
      return [
        ...smokeNotes(carried, say),
        ...(carried.smoke && !readsData(carried.smoke)
          ? [say('the smoke job reads no uri_file or uri_folder, so nothing shows that it scores data')]
          : []),
        say(
          'a batch deployment runs the batch driver: the image needs azureml-core and azureml-dataset-runtime[fuse], which a smoke job does not prove',
        ),
      ];
    case 'online':
      return [
        say(
          'managed online endpoints need liveness, readiness and scoring routes, which the image manifest cannot say: they are not registered',
        ),
      ];
    default:
      return [say('is not a use that register knows; nothing was checked for it')];
  }
}

function smokeNotes({ smoke }: CarriedManifest, say: (text: string) => string): string[] {
  if (!smoke) return [say('there is no smoke job, so nothing shows that the image runs in this workspace')];
  const unused = (['inputs', 'outputs'] as const).flatMap((kind) =>
    Object.keys(smoke[kind])
      .filter((name) => !refersTo(smoke.command, kind, name))
      .map((name) => say(`the smoke command does not use \${{${kind}.${name}}}`)),
  );
  return unused;
}

const refersTo = (command: string, kind: 'inputs' | 'outputs', name: string): boolean =>
  command.replace(/\s+/g, '').includes(`\${{${kind}.${name}}}`);

const readsData = (smoke: NonNullable<CarriedManifest['smoke']>): boolean =>
  Object.values(smoke.inputs).some((input) => input.type !== 'literal');
