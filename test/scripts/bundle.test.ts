import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { bundleLibraries } from '../../scripts/bundle.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

const root = path.resolve(import.meta.dirname, '../..');
const built = {
  'src/a/engine.js': "const { default: Docker } = await import('dockerode');\nexport default Docker;\n",
  'src/a/b/datastore.js': "export const { BlobServiceClient } = await import('@azure/storage-blob');\n",
  'commands/pack.js': "export const { pack, extract } = await import('tar-stream');\n",
  'package.json': '{"type":"module"}',
};

test('what is shipped inside the package loads without what it was made from, with its licences', async (t) => {
  const dist = await temporaryDirectory(t, built);
  await bundleLibraries(root, dist);

  const load = async (name: string): Promise<Record<string, unknown>> =>
    (await import(pathToFileURL(path.join(dist, name)).href)) as Record<string, unknown>;
  const { default: Docker } = await load('src/a/engine.js');
  t.is(typeof Docker, 'function');
  t.is(typeof (await load('src/a/b/datastore.js')).BlobServiceClient, 'function');
  t.is(typeof (await load('commands/pack.js')).extract, 'function');

  const text = await readFile(path.join(dist, 'bundled/dockerode/index.js'), 'utf8');
  t.notRegex(text, /require\("(?:ssh2|cpu-features|[^"]*\.node)"\)/);
  t.true((await readdir(path.join(dist, 'bundled/dockerode/proto'))).includes('auth.proto'));

  const { components } = JSON.parse(await readFile(path.join(dist, 'bundled/bundled.cdx.json'), 'utf8')) as {
    components: { purl: string; version: string; group?: string; name: string }[];
  };
  const licences = await readFile(path.join(dist, 'bundled/LICENSES.txt'), 'utf8');
  for (const { group, name, version } of components)
    t.true(licences.includes(`${group === undefined ? '' : `${group}/`}${name} ${version} (`), name);
  const purls = components.map(({ purl }) => purl);
  t.true(purls.some((purl) => purl.startsWith('pkg:npm/docker-modem@')));
  t.true(purls.some((purl) => purl.startsWith('pkg:npm/%40azure/storage-blob@')));
  t.false(purls.some((purl) => /ssh2|cpu-features/.test(purl)));
});

for (const [what, file] of [
  ['a static import', "import { pack } from 'tar-stream';\nexport default pack;\n"],
  ['double quotes', 'export default await import("tar-stream");\n'],
  ['no import at all', 'export default 1;\n'],
] as const) {
  test(`a build that bundling would leave with a missing package fails: ${what}`, async (t) => {
    const dist = await temporaryDirectory(t, { ...built, 'commands/pack.js': file });
    await t.throwsAsync(bundleLibraries(root, dist), { message: /tar-stream/ });
  });
}
