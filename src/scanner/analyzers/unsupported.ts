import type { Analyzer } from './analyzer.ts';

/**
 * Package managers that this scanner cannot read yet. What they installed must not pass as clean (threat 33): not only their
 * metadata marks it, but also the directories that they put packages in.
 */
const managers: readonly (readonly [string, RegExp])[] = [
  ['apk', /^(?:(?:usr\/)?lib\/apk\/db\/[^/]+|etc\/apk\/world)$/],
  ['rpm', /^(?:var\/lib|usr\/lib\/sysimage)\/(?:rpm|rpmmanifest)\/[^/.][^/]*$/],
  ['npm', /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@.][^/@]*(?:\/package\.json)?$/],
  ['R', /(?:^|\/)R\/(?:[^/]+\/){0,2}(?:site-)?library\/[^/.][^/]*(?:\/DESCRIPTION)?$/],
  ['RubyGems', /(?:^|\/)(?:specifications\/(?:default\/)?[^/]+\.gemspec|gems\/[^/]+-\d[^/]*)$/],
  ['Java archive', /\.(?:jar|war|ear)$/],
  ['zipped Python egg', /-packages\/[^/]+\.egg$/],
];
/** Cheap test before the expensive ones: this runs for everything in an image. */
const parts = /(?:apk|rpm|rpmmanifest|node_modules|library|specifications|gems)\/|\.(?:[jwe]ar|egg)$/;

export const unsupported: Analyzer = {
  id: 'unsupported',
  version: 2,
  wants: () => false,
  marks(path, kind) {
    const manager = parts.test(path) ? managerOf(path) : undefined;
    // An egg that is a directory is not zipped.
    if (manager === undefined || (kind === 'directory' && path.endsWith('.egg'))) return undefined;
    return { tells: { unsupported: manager } };
  },
  lookups: [],
  extract: () => ({}),
};

const managerOf = (path: string): string | undefined =>
  managers.find(([, pattern]) => pattern.test(path))?.[0];
