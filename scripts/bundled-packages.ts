import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';

/** An npm package of which code is in a bundle. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX, as its package.json says. */
  readonly license: string;
  /** Its author, for those that have no licence file. */
  readonly author: string;
  /** Its licence and notice files. */
  readonly texts: readonly string[];
}

/** The packages that these files belong to (paths from `root`, as esbuild writes them). */
export async function bundledPackages(root: string, files: readonly string[]): Promise<BundledPackage[]> {
  const folders = files.flatMap((file) => {
    const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? [];
    return folder === undefined ? [] : [folder];
  });
  return Promise.all([...new Set(folders)].map((folder) => readPackage(path.join(root, folder))));
}

async function readPackage(folder: string): Promise<BundledPackage> {
  const text = await readFile(path.join(folder, 'package.json'), 'utf8');
  const { name, version, license, author } = JSON.parse(text) as Record<string, unknown>;
  if (typeof name !== 'string' || typeof version !== 'string' || typeof license !== 'string')
    throw new Error(`${folder}/package.json does not say name, version and license`);
  const files = (await readdir(folder)).filter((file) => /^(?:licen[cs]e|notice|copying)/i.test(file)).sort();
  return {
    ...{ name, version, license },
    author: typeof author === 'string' ? author : JSON.stringify(author ?? 'unknown'),
    texts: await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8'))),
  };
}

/** Their licences ask for it: the text goes with the code. */
export function licencesOf(packages: readonly BundledPackage[]): string {
  const sections = packages.map(({ name, version, license, author, texts }) =>
    [
      `${name} ${version} (${license})`,
      '-'.repeat(72),
      ...(texts.length > 0
        ? texts.map((text) => text.trim())
        : [`It has no licence file of its own; its package.json says: ${license}, author ${author}.`]),
    ].join('\n'),
  );
  return `Packages that are part of the files in this folder.\n\n${sections.join('\n\n\n')}\n`;
}

/** CycloneDX 1.6, for scanners: what is bundled stands in no lock file of whoever installs this. */
export const componentsOf = (packages: readonly BundledPackage[]): object => ({
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  version: 1,
  components: packages.map(({ name, version, license }) => {
    const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
    const scope = name.startsWith('@') ? name.slice(0, name.indexOf('/')) : undefined;
    return {
      type: 'library',
      'bom-ref': purl,
      ...(scope === undefined ? {} : { group: scope }),
      name: scope === undefined ? name : name.slice(scope.length + 1),
      version,
      licenses: [{ expression: license }],
      purl,
    };
  }),
});
