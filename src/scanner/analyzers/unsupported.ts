import type { Analyzer } from './analyzer.ts';

/** Package managers that this scanner cannot read yet. What they installed must not pass as clean (threat 33). */
const managers: readonly (readonly [string, RegExp])[] = [
  ['apk', /^(?:usr\/)?lib\/apk\/db\/installed$/],
  [
    'rpm',
    /^(?:var\/lib|usr\/lib\/sysimage)\/(?:rpm\/(?:Packages|Packages\.db|rpmdb\.sqlite)|rpmmanifest\/[^/]+)$/,
  ],
  ['npm', /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@]+\/package\.json$/],
  ['R', /(?:^|\/)R\/(?:[^/]+\/){0,2}(?:site-)?library\/[^/]+\/DESCRIPTION$/],
  ['RubyGems', /(?:^|\/)specifications\/(?:default\/)?[^/]+\.gemspec$/],
  ['Java archive', /\.(?:jar|war|ear)$/],
  ['zipped Python egg', /-packages\/[^/]+\.egg$/],
];
/** Cheap test before the expensive ones: this runs for every file of an image. */
const lastParts =
  /(?:installed|Packages|Packages\.db|rpmdb\.sqlite|package\.json|DESCRIPTION|\.gemspec|\.[jwe]ar|\.egg|rpmmanifest\/[^/]+)$/;

export const unsupported: Analyzer = {
  id: 'unsupported',
  version: 1,
  wants: (path) => (lastParts.test(path) && managerOf(path) !== undefined ? 'presence' : false),
  lookups: [],
  extract(path) {
    const manager = managerOf(path);
    return manager === undefined ? {} : { unsupported: manager };
  },
};

const managerOf = (path: string): string | undefined =>
  managers.find(([, pattern]) => pattern.test(path))?.[0];
