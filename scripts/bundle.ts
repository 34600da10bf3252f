import { cp, glob, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Plugin } from 'esbuild';
import { build } from 'esbuild';
import type { BundledPackage } from './bundled-packages.ts';
import { bundledPackages, componentsOf, licencesOf } from './bundled-packages.ts';

/** One library that is shipped inside the package instead of being installed beside it. */
interface Library {
  readonly name: string;
  readonly exports: readonly string[];
  /** Files that it reads beside its code: from where in node_modules, to where beside the bundle. */
  readonly files?: readonly (readonly [from: string, to: string])[];
}

/**
 * What npm would install with these, nobody needs: dockerode brings ssh2 and cpu-features (native code, compiled on
 * installation) for addresses that are refused, and protobufjs with an install script; @azure/storage-blob builds for
 * browsers and apache-arrow; tar-stream native code for another runtime, of seven platforms. npm takes no notice of
 * `overrides` in a package that is installed, hence bundles. They are not minified: an auditor can read them.
 */
const libraries: readonly Library[] = [
  { name: 'dockerode', exports: ['default'], files: [['dockerode/lib/proto', 'proto']] },
  { name: '@azure/storage-blob', exports: ['BlobServiceClient'] },
  { name: 'tar-stream', exports: ['extract', 'pack'] },
];

/** CommonJS inside a module. */
const banner = [
  "import { createRequire } from 'node:module';",
  'const require = createRequire(import.meta.url);',
  'const { filename: __filename, dirname: __dirname } = import.meta;',
].join('\n');

/** Bundles the libraries into `dist/bundled`, with licences and an inventory, and lets the built files import them from there. */
export async function bundleLibraries(root: string, dist: string): Promise<void> {
  const folder = path.join(dist, 'bundled');
  const packages = new Map<string, BundledPackage>();
  for (const library of libraries) {
    const inputs = await bundle(root, folder, library);
    for (const each of await bundledPackages(root, inputs))
      packages.set(`${each.name}@${each.version}`, each);
    for (const [from, to] of library.files ?? [])
      await cp(path.join(root, 'node_modules', from), path.join(folder, library.name, to), {
        recursive: true,
      });
  }
  const all = [...packages.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
  await writeFile(path.join(folder, 'LICENSES.txt'), licencesOf(all));
  await writeFile(
    path.join(folder, 'bundled.cdx.json'),
    `${JSON.stringify(componentsOf(all), undefined, 2)}\n`,
  );
  await redirect(dist);
}

/** @returns the files that went in, relative to `root` */
async function bundle(root: string, folder: string, { name, exports }: Library): Promise<readonly string[]> {
  const outfile = path.join(folder, name, 'index.js');
  await mkdir(path.dirname(outfile), { recursive: true });
  const { metafile } = await build({
    stdin: { contents: `export { ${exports.join(', ')} } from '${name}';`, resolveDir: root },
    absWorkingDir: root,
    outfile,
    bundle: true,
    metafile: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    banner: { js: banner },
    plugins: [withoutSsh],
    logLevel: 'error',
  });
  return Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
}

const withoutSsh: Plugin = {
  name: 'without-ssh',
  setup(esbuild) {
    esbuild.onResolve({ filter: /^ssh2$/ }, ({ path: name }) => ({ path: name, namespace: 'without-ssh' }));
    esbuild.onLoad({ filter: /.*/, namespace: 'without-ssh' }, () => ({
      contents:
        "exports.Client = class { constructor() { throw new Error('ssh:// is not supported: forward the socket'); } };",
    }));
  },
};

/** Built files import the bundles; that they do so dynamically, under these names, is what this relies on. */
async function redirect(dist: string): Promise<void> {
  const used = new Set<string>();
  for await (const name of glob('{src,commands,sandbox}/**/*.js', { cwd: dist })) {
    const file = path.join(dist, name);
    const text = await readFile(file, 'utf8');
    let changed = text;
    for (const library of libraries) {
      const target = path.relative(path.dirname(file), path.join(dist, 'bundled', library.name, 'index.js'));
      changed = changed.replaceAll(`import('${library.name}')`, `import('${target}')`);
      if (new RegExp(`(?:from|import|require)[ (]*['"]${library.name}['"]`).test(changed))
        throw new Error(`${name} imports ${library.name} in a way that bundling does not know`);
      if (changed.includes(target)) used.add(library.name);
    }
    if (changed !== text) await writeFile(file, changed);
  }
  const unused = libraries.filter(({ name }) => !used.has(name)).map(({ name }) => name);
  if (unused.length > 0) throw new Error(`bundled, but imported nowhere: ${unused.join(', ')}`);
}
