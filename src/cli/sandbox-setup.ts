import { access, cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLoneIdentity, createSigningIdentity } from '../evidence/certificates.ts';
import { writeSides } from '../steps/init.ts';
import { systemClock } from './clock.ts';
import { packageRoot } from './version.ts';

/**
 * What a sandbox directory needs beside its zones manifests, so that `--zones DIR/zones.yaml` is enough: for each side a
 * policy (the demo's), key and certificate, and the labelled advisory database. What is there is kept.
 */
export async function writeSandboxFiles(directory: string): Promise<void> {
  const shipped = path.join(fileURLToPath(packageRoot()), 'manifests');
  await writeSides({
    dir: directory,
    organisation: { name: 'Contoso', state: 'Tokyo', country: 'JP' },
    clock: systemClock,
    createIdentities: { createSigningIdentity, createLoneIdentity },
    // Its first line tells editors of a schema that is beside it only there.
    policy: (await readFile(path.join(shipped, 'policy.demo.yaml'), 'utf8')).replace(
      /^# yaml-language.*\n/,
      '',
    ),
  });
  const database = path.join(directory, 'db');
  if (await exists(database)) return;
  await cp(path.join(shipped, 'advisories'), database, { recursive: true });
}

const exists = async (file: string): Promise<boolean> =>
  await access(file).then(
    () => true,
    () => false,
  );
