import { symlink } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import type { ICruiseResult } from 'dependency-cruiser';
import { cruise } from 'dependency-cruiser';
import extractConfiguration from 'dependency-cruiser/config-utl/extract-depcruise-config';
import extractTypeScript from 'dependency-cruiser/config-utl/extract-ts-config';
import { temporaryDirectory } from './support/temp-directory.ts';

const root = path.resolve(import.meta.dirname, '..');

/** Cruises a tree with the rules of the project. Paths in the result are relative to `baseDir`. */
async function cruiseTree(baseDir: string): Promise<ICruiseResult> {
  const configuration = await extractConfiguration(path.join(root, '.dependency-cruiser.js'));
  const { forbidden = [] } = configuration;
  const { output } = await cruise(
    ['src', 'commands', 'sandbox'],
    { ...configuration.options, baseDir, validate: true, ruleSet: { forbidden } },
    undefined,
    { tsConfig: extractTypeScript(path.join(root, 'tsconfig.json')) },
  );
  if (typeof output === 'string') throw new TypeError('cruise() gave text');
  return output;
}

test('the arrows between the parts of the product hold', async (t) => {
  const { modules, summary } = await cruiseTree(root);
  t.true(modules.length > 50, `cruised ${String(modules.length)} modules`);
  t.true(summary.totalDependenciesCruised !== undefined && summary.totalDependenciesCruised > 100);
  t.deepEqual(
    summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`),
    [],
  );
});

/** [rule, importing file, what it imports] */
const wrong = [
  ['no-circular', 'src/oci/a.ts', './b.ts'],
  ['resolvable', 'src/oci/lost.ts', './nowhere.ts'],
  ['no-development-dependencies', 'src/oci/tested.ts', 'ava'],
  ['domain-is-pure', 'src/domain/impure.ts', 'node:fs'],
  ['domain-hash-is-pure', 'src/domain/sha256.ts', 'node:fs'],
  ['ports-are-domain-only', 'src/ports/steps.ts', '../manifest/plain.ts'],
  ['policy-is-pure', 'src/policy/reads.ts', 'node:fs'],
  ['manifests-stand-alone', 'src/manifest/knows.ts', '../oci/plain.ts'],
  ['dockerfile-is-pure', 'src/dockerfile/reads.ts', 'node:fs'],
  ['steps-read-dockerfiles', 'src/oci/builds.ts', '../dockerfile/plain.ts'],
  ['core-below-steps', 'src/evidence/knows.ts', '../steps/plain.ts'],
  ['steps-know-ports-only', 'src/steps/wired.ts', '../adapters/acr/plain.ts'],
  ['sides-know-ports-only', 'src/sides/wired.ts', '../network/plain.ts'],
  ['adapters-apart', 'src/adapters/acr/knows.ts', '../aml/plain.ts'],
  ['adapters-below-steps', 'src/adapters/acr/steps.ts', '../../steps/plain.ts'],
  ['only-adapters-import-sdks', 'src/steps/sdk.ts', '@azure/identity'],
  ['only-two-import-the-engine-client', 'src/steps/engine.ts', 'dockerode'],
  ['only-wiring-imports-adapters', 'commands/build.ts', '../src/adapters/acr/plain.ts'],
  ['sandbox-stands-alone', 'sandbox/shares.ts', '../src/oci/plain.ts'],
  ['only-its-commands-import-the-sandbox', 'commands/promote.ts', '../sandbox/index.ts'],
  ['the-sandbox-has-four-doors', 'commands/sandbox/status.ts', '../../sandbox/control.ts'],
  ['the-product-ships-no-tests', 'sandbox/tested.ts', './test/plain.ts'],
  ['the-command-line-knows-no-command', 'src/cli/runs.ts', '../../commands/plain.ts'],
  ['only-commands-use-the-command-line', 'src/oci/prints.ts', '../cli/plain.ts'],
] as const;

const belowSides = {
  'src/evidence/up.ts': 'core-below-steps',
  'src/network/up.ts': 'core-below-steps',
  'src/steps/up.ts': 'steps-know-ports-only',
  'src/adapters/up.ts': 'adapters-below-steps',
};

test('no file of src is in no rule', async (t) => {
  const { forbidden = [] } = await extractConfiguration(path.join(root, '.dependency-cruiser.js'));
  // What holds everywhere says nothing about a room.
  const rooms = forbidden
    .map(({ from }) => ('path' in from && typeof from.path === 'string' ? from.path : ''))
    .filter((from) => /^\^src\/[(\w]/.test(from))
    .map((from) => new RegExp(from));
  const { modules } = await cruiseTree(root);
  t.deepEqual(
    modules
      .map(({ source }) => source)
      .filter((file) => file.startsWith('src/') && !rooms.some((room) => room.test(file))),
    [],
  );
});

test('each rule bites: a tree that breaks every one of them', async (t) => {
  const plain = ['manifest', 'dockerfile', 'oci', 'network', 'steps', 'adapters/acr', 'adapters/aml', 'cli'];
  const directory = await temporaryDirectory(t, {
    'package.json':
      '{"type":"module","devDependencies":{"ava":"*"},"dependencies":{"@azure/identity":"*","dockerode":"*"}}',
    'commands/plain.ts': 'export const plain = 1;\n',
    ...Object.fromEntries(plain.map((part) => [`src/${part}/plain.ts`, 'export const plain = 1;\n'])),
    ...Object.fromEntries(
      wrong.map(([, file, to]) => [file, `import * as wrong from '${to}';\nexport const right = wrong;\n`]),
    ),
    'sandbox/index.ts': 'export const plain = 1;\n',
    'sandbox/control.ts': 'export const plain = 1;\n',
    'sandbox/test/plain.ts': 'export const plain = 1;\n',
    'src/oci/b.ts': "import { right } from './a.ts';\nexport const left = right;\n",
    'src/sides/plain.ts': 'export const plain = 1;\n',
    // Nothing below a side knows it.
    ...Object.fromEntries(Object.keys(belowSides).map((file) => [file, "import '../sides/plain.ts';\n"])),
    // Dynamic and type-only imports count too.
    'src/steps/lazy.ts': "export const lazy = () => import('../adapters/acr/plain.ts');\n",
    'src/steps/typed.ts':
      "import type { plain } from '../adapters/acr/plain.ts';\nexport type P = typeof plain;\n",
  });
  await symlink(path.join(root, 'node_modules'), path.join(directory, 'node_modules'));
  const { summary } = await cruiseTree(directory);
  const found = summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`);
  for (const [rule, file] of wrong) t.true(found.includes(`${rule}: ${file}`), `${rule}: ${file}`);
  for (const file of ['src/steps/lazy.ts', 'src/steps/typed.ts'])
    t.true(found.includes(`steps-know-ports-only: ${file}`), file);
  for (const [file, rule] of Object.entries(belowSides)) t.true(found.includes(`${rule}: ${file}`), file);
  const configuration = await extractConfiguration(path.join(root, '.dependency-cruiser.js'));
  t.deepEqual(
    (configuration.forbidden ?? []).map(({ name }) => name).toSorted(),
    wrong.map(([rule]) => rule).toSorted(),
    'every rule has a tree that breaks it',
  );
});
