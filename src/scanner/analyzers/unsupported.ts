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
  ['Java archive', /\.(?:jar|war|ear)$/i],
  ['zipped Python egg', /[^/]\.egg$/i],
  ['zipped Python application', /[^/]\.(?:pyzw?|pex)$/i],
  ['Python wheel', /[^/]\.whl$/i],
];
/** Python imports from these when they are files; as directories they are like any other. */
const zipped = /\.(?:egg|pyzw?|pex|whl)$/i;
/**
 * Archives that Python and its tools carry to install from, and do not import: by place and name, so that nothing else passes
 * as one. Then what pip has built and keeps, once it is installed.
 */
const carried: readonly RegExp[] = [
  /(?:^|\/)(?:ensurepip\/_bundled|share\/python-wheels|virtualenv\/seed\/wheels\/embed|python3\.\d+\/test(?:\/wheeldata)?)\/(?:pip|setuptools|wheel)-[^/]+\.whl$/,
  /(?:^|\/)python3\.\d+\/test\/test_importlib\/(?:metadata\/)?data\/example2?-[^/]+\.(?:egg|whl)$/,
  /-packages\/pkg_resources\/tests\/data\/my-test-package_zipped-egg\/my_test_package-[^/]+\.egg$/,
  /(?:^|\/)\.cache\/pip\/wheels\/(?:[0-9a-f]{2}\/){3}[0-9a-f]{56}\/[^/]+\.whl$/,
];
/** Cheap test before the expensive ones: this runs for everything in an image. */
const parts =
  /(?:apk|rpm|rpmmanifest|node_modules|library|specifications|gems)\/|\.(?:[jwe]ar|egg|pyzw?|pex|whl)$/i;

export const unsupported: Analyzer = {
  id: 'unsupported',
  version: 3,
  wants: () => false,
  marks(path, kind) {
    const manager = parts.test(path) ? managerOf(path) : undefined;
    if (manager === undefined) return undefined;
    if (zipped.test(path) && (kind === 'directory' || carried.some((form) => form.test(path))))
      return undefined;
    return { tells: { unsupported: manager } };
  },
  lookups: [],
  extract: () => ({}),
};

const managerOf = (path: string): string | undefined =>
  managers.find(([, pattern]) => pattern.test(path))?.[0];
