import { existsSync, readFileSync } from 'node:fs';

let root: URL | undefined;

/** The package's folder, with its trailing slash; from sources and from dist, whose own package.json has no `bin`. */
export function packageRoot(): URL {
  root ??= ['../../', '../../../']
    .map((up) => new URL(up, import.meta.url))
    .find((url) => 'bin' in packageOf(url));
  if (!root) throw new Error('package.json of amlpromote was not found');
  return root;
}

/** The version in package.json. */
export function toolVersion(): string {
  const { version } = packageOf(packageRoot());
  if (typeof version === 'string') return version;
  throw new Error('package.json of amlpromote has no version');
}

function packageOf(directory: URL): Readonly<Record<string, unknown>> {
  const file = new URL('package.json', directory);
  if (!existsSync(file)) return {};
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
}
