import { readFileSync } from 'node:fs';
import test from 'ava';

interface Locked {
  readonly hasInstallScript?: boolean;
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'));
const { packages } = read('package-lock.json') as { packages: Readonly<Record<string, Locked>> };

test('npm 10 and npm 11 leave the lock as it is: nothing in it that npm 10 takes out', (t) => {
  const entries = Object.entries(packages).filter(([, { libc }]) => libc !== undefined);
  t.deepEqual(
    entries.map(([name]) => name),
    [],
    'write the lock with npm 10: npx npm@10 install --package-lock-only',
  );
});

test('every optional dependency of another platform is locked, too: npm ci asks for that', (t) => {
  const missing = Object.entries(packages).flatMap(([name, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (dependency) =>
        !placesOf(name).some((place) => packages[`${place}node_modules/${dependency}`] !== undefined),
    ),
  );
  t.deepEqual(missing, []);
});

test('every install script is allowed or denied by name', (t) => {
  const { allowScripts } = read('package.json') as { allowScripts: Readonly<Record<string, boolean>> };
  const scripted = Object.entries(packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([name]) => name.replace(/^.*node_modules\//, ''));
  t.deepEqual([...new Set(scripted)].sort(), Object.keys(allowScripts).sort());
});

/** Where Node looks for what a package depends on, from the outermost folder inwards. */
function placesOf(name: string): readonly string[] {
  const steps = name.matchAll(/node_modules\/(?:@[^/]+\/)?[^/]+/g);
  return ['', ...[...steps].map(({ 0: step, index }) => `${name.slice(0, index + step.length)}/`)];
}
