import path from 'node:path';
import type { Clock } from '../ports/clock.ts';
import type { IdentityMaker, Organisation } from './init/identities.ts';
import { requireOrganisation, writeIdentities } from './init/identities.ts';
import { withTrust } from './init/policies.ts';
import { defaultPolicyYaml } from './init/policy-template.ts';
import { dockerfile, gitignore, helloPy, imageYaml, zonesYaml } from './init/templates.ts';
import type { FileOutcome } from './init/write-new.ts';
import { NewFiles } from './init/write-new.ts';

export type { FileOutcome, IdentityMaker, Organisation };

export interface SidesInput {
  readonly dir: string;
  readonly organisation: Organisation;
  readonly clock: Pick<Clock, 'now'>;
  readonly createIdentities: IdentityMaker;
  /** Text of both sides' policy, without trust; default: the shipped, strict one. */
  readonly policy?: string;
}

export interface InitReport extends FileOutcome {
  /** Absolute. */
  readonly directory: string;
  /** What a person does next, in order. */
  readonly nextSteps: readonly string[];
}

/**
 * Starter manifests, and for each side a policy, a key with its certificate and the certificates it trusts. Running it again
 * writes what is missing; nothing that is there is touched.
 * @throws USAGE, DISK_FULL (cannot write), KEY_MISSING (half of a key pair is there)
 */
export async function initProject(input: SidesInput): Promise<InitReport> {
  requireOrganisation(input.organisation);
  const directory = path.resolve(input.dir);
  const files = new NewFiles(directory);
  await files.write('.gitignore', gitignore);
  await files.write('zones.yaml', zonesYaml);
  await files.write('images/hello-batch.yaml', imageYaml);
  await files.write('images/hello-batch/Dockerfile', dockerfile);
  await files.write('images/hello-batch/hello.py', helloPy);
  await writeSidesTo(files, input);
  return { directory, ...files.outcome, nextSteps };
}

/** Only what each side needs beside a zones manifest: `outside/` and `inside/`, each complete in itself. */
export async function writeSides(input: SidesInput): Promise<FileOutcome> {
  const files = new NewFiles(path.resolve(input.dir));
  await writeSidesTo(files, input);
  return files.outcome;
}

async function writeSidesTo(files: NewFiles, input: SidesInput): Promise<void> {
  const identities = await writeIdentities(files, input);
  const policy = await withTrust(input.policy ?? defaultPolicyYaml, identities);
  for (const side of ['outside', 'inside']) {
    await files.write(`${side}/trust/release-ca.pem`, identities.releaseCa);
    await files.write(`${side}/trust/receipt.pem`, identities.receipt);
    await files.write(`${side}/policy.yaml`, policy);
  }
}

const nextSteps: readonly string[] = [
  'Put your registries, workspaces and identities into zones.yaml.',
  'Have the security team read outside/policy.yaml and inside/policy.yaml.',
  'Keep outside/ca-key.pem offline: it can make new release keys.',
  'Move inside/ to the sensitive zone; its key.pem must not stay outside.',
  'Then: amlpromote promote images/hello-batch.yaml --zones zones.yaml --dry-run',
];
