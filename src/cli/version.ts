import { existsSync, readFileSync } from 'node:fs';

let root: URL | undefined;

/** The package's folder, with its trailing slash; from sources and from dist. */
export function packageRoot(): URL {
  root ??= ['../../', '../../../']
    .map((up) => new URL(up, import.meta.url))
    .find((url) => existsSync(new URL('package.json', url)));
  if (!root) throw new Error('package.json of amlpromote was not found');
  return root;
}

/** The version in package.json. */
export function toolVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(new URL('package.json', packageRoot()), 'utf8'));
  if (
    typeof parsed === 'object' &&
    parsed !== null &&
    'version' in parsed &&
    typeof parsed.version === 'string'
  )
    return parsed.version;
  throw new Error('package.json of amlpromote has no version');
}
