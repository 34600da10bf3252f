import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { debian12, writeLayout } from '../support/oci-layout.ts';
import { shellFiles } from '../support/shell-image.ts';

export interface ImageOptions {
  /** Shell command of the smoke job, if there is one; it has `${{inputs.data}}` and `${{outputs.model}}`. */
  readonly smoke?: string;
  /** Lines at the end of the Dockerfile. */
  readonly more?: readonly string[];
  /** Goes into the image with its name: so it is one that no engine has in its cache. */
  readonly flavour: string;
}

/** The last line that the first build step prints, as the log shows it and its command does not. */
export const firstStep = 'step 42 is done';

/** What the smoke job gets as its file. */
const smokeData = 'age,churned\n42,1\n';

const packages = {
  tzdata: '2024a-0+deb12u1',
  apt: '2.6.1',
  // The demo's database has a finding for it that the policy reports and does not refuse.
  'zlib1g\nSource: zlib': '1:1.2.13.dfsg-1',
};

/**
 * A build context that needs no base image and no network (this machine's shell, and the files by which a scanner knows a
 * Debian 12), with its image manifest.
 * @returns the path of the manifest
 */
export function writeImage(folder: string, name: string, options: ImageOptions): string {
  const { smoke, more = [], flavour } = options;
  const context = path.join(folder, name);
  const write = (file: string, content: string): void => {
    mkdirSync(path.dirname(path.join(context, file)), { recursive: true });
    writeFileSync(path.join(context, file), content);
  };
  for (const file of shellFiles()) {
    mkdirSync(path.join(context, 'rootfs', path.dirname(file)), { recursive: true });
    copyFileSync(file, path.join(context, 'rootfs', file));
  }
  for (const [file, content] of Object.entries(debian12(packages))) write(`rootfs/${file}`, content);
  write('rootfs/app/flavour.txt', `${name} ${flavour}\n`);
  write(
    'Dockerfile',
    [
      'FROM scratch',
      // First, so that what a failed build leaves behind has it too.
      `LABEL dev.amlpromote.test=${flavour}`,
      'COPY rootfs/ /',
      'RUN echo "step $((40 + 2)) is done"',
      'RUN cat /app/flavour.txt > /app/built.txt',
      'RUN cat /app/built.txt',
      ...more,
      '',
    ].join('\n'),
  );
  writeFileSync(path.join(folder, 'data.csv'), smokeData);
  return writeManifest(folder, name, `{ build: { context: ./${name} } }`, smoke);
}

/** The same packages as an image that exists already, in an OCI layout: needs no engine. */
export function writeLayoutImage(folder: string, name: string): string {
  const layers = [debian12(packages), { 'app/name.txt': name }];
  const { digest } = writeLayout(path.join(folder, name), layers);
  return writeManifest(folder, name, `{ image: "oci:./${name}@${digest}" }`);
}

function writeManifest(folder: string, name: string, source: string, smoke?: string): string {
  const file = path.join(folder, `${name}.yaml`);
  const lines = [
    'apiVersion: amlpromote/v1',
    'kind: Image',
    `name: ${name}`,
    'version: 1.4.0',
    `repository: ml/${name}`,
    `source: ${source}`,
    'environment: { description: end-to-end test, tags: { team: churn } }',
  ];
  if (smoke !== undefined)
    lines.push(
      'smoke:',
      `  command: ${JSON.stringify(smoke)}`,
      '  inputs: { data: { type: uri_file, path: ./data.csv } }',
      '  outputs: { model: { type: uri_folder } }',
      '  timeout: 5m',
    );
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}
