import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { debian12, writeLayout } from '../test/support/oci-layout.ts';

/**
 * What the README promises of the installed package, done with it: `init`, a sandbox, and an image from an OCI layout through
 * every step but the smoke job, which would need an engine. `cli` is the program with its first arguments.
 */
export async function crossSandbox(cli: readonly [string, ...string[]], directory: string): Promise<void> {
  const [program, ...first] = cli;
  await mkdir(directory);
  const run = async (...args: string[]): Promise<unknown> => {
    const { stdout } = await execa(program, [...first, ...args, '--json'], {
      cwd: directory,
      env: environmentIn(directory),
      timeout: 120_000,
    });
    return JSON.parse(stdout) as unknown;
  };
  const layout = writeLayout(path.join(directory, 'layout'), [debian12(), { 'app/name.txt': 'packed' }]);
  await writeFile(path.join(directory, 'image.yaml'), imageYaml(layout.digest));

  await run('init', '--dir', 'project', '--organisation', 'Contoso', '--state', 'Tokyo', '--country', 'JP');
  await run('sandbox', 'start', '--dir', 'sandbox', '--detach');
  try {
    const [both, outside, inside] = ['', 'outside/', 'inside/'].map((side) => [
      '--zones',
      `sandbox/${side}zones.yaml`,
    ]);
    if (!both || !outside || !inside) throw new TypeError('three zones manifests');
    await run('promote', 'image.yaml', '--dry-run', ...both);
    await run('promote', 'image.yaml', '--outside', '--out', 'release.json', ...outside);
    await run('import', 'release.json', ...inside);
    expect('verify', await run('verify', 'release.json', ...inside), { verdict: 'allowed' });
    await run('register', 'release.json', ...inside);
    const promoted = await run('promote', 'image.yaml', ...both);
    expect('promote', promoted, { image: { digest: layout.digest }, environment: { already: true } });
    const status = await run('status', 'image.yaml', ...both);
    expect('status', status, { inside: { delivered: { digest: layout.digest }, receipts: 1 } });
    await run('store', 'prune');
    expect('sandbox status', await run('sandbox', 'status', '--dir', 'sandbox'), { running: true });
  } finally {
    await run('sandbox', 'stop', '--dir', 'sandbox');
  }
  // What crossed is there after the sandbox has gone, under the name of the side that wrote it.
  const release = JSON.parse(await readFile(path.join(directory, 'release.json'), 'utf8')) as unknown;
  expect('release.json', release, { kind: 'Release', name: 'packed' });
}

/** Nothing of this machine's configuration, and nothing left in it. */
function environmentIn(directory: string): Readonly<Record<string, string>> {
  const none = ['ZONES', 'POLICY', 'KEY', 'CERTIFICATE', 'STORE', 'DATABASE', 'CACHE'];
  return {
    ...Object.fromEntries(none.map((name) => [`AMLPROMOTE_${name}`, ''])),
    XDG_DATA_HOME: path.join(directory, 'data'),
    XDG_CACHE_HOME: path.join(directory, 'cache'),
    XDG_STATE_HOME: path.join(directory, 'state'),
    DOCKER_HOST: 'unix:///nonexistent/docker.sock',
  };
}

const imageYaml = (digest: string): string =>
  [
    'apiVersion: amlpromote/v1',
    'kind: Image',
    'name: packed',
    'version: 1.0.0',
    'repository: ml/packed',
    `source: { image: "oci:./layout@${digest}" }`,
    '',
  ].join('\n');

/** Every member of `wanted` must be in `found`. */
function expect(what: string, found: unknown, wanted: unknown): void {
  if (!includes(found, wanted))
    throw new Error(`${what} says ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
}

const includes = (found: unknown, wanted: unknown): boolean =>
  typeof wanted === 'object' && wanted !== null
    ? typeof found === 'object' &&
      found !== null &&
      Object.entries(wanted).every(([key, value]) => includes((found as Record<string, unknown>)[key], value))
    : found === wanted;
