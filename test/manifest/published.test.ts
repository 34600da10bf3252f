import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import test from 'ava';
import { parse } from 'yaml';
import { loadImage } from '../../src/manifest/image.ts';
import { manifestSchemas } from '../../src/manifest/json-schema.ts';
import { loadPolicy } from '../../src/manifest/policy.ts';
import { loadZones } from '../../src/manifest/zones.ts';
import { defaultPolicyYaml } from '../../src/steps/init/policy-template.ts';
import { imageYaml as starterImage, zonesYaml as starterZones } from '../../src/steps/init/templates.ts';
import { defaultRules, imageYaml, policyYaml, zonesYaml } from '../support/manifest-samples.ts';

const manifests = path.resolve(import.meta.dirname, '../../manifests');
const read = (name: string): Promise<string> => readFile(path.join(manifests, name), 'utf8');

test('the published JSON Schemas are current (npm run schemas)', async (t) => {
  for (const [name, text] of Object.entries(await manifestSchemas()))
    t.is(await read(`schema/${name}`), text, name);
});

/** Problems that an editor would show. */
async function problems(kind: 'image' | 'zones' | 'policy', text: string): Promise<readonly string[]> {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false });
  const validate = ajv.compile(JSON.parse(await read(`schema/${kind}.schema.json`)) as object);
  validate(parse(text));
  return (validate.errors ?? []).map(({ instancePath, message = '' }) => `${instancePath} ${message}`);
}

for (const [title, kind, text] of [
  ["the design's image", 'image', imageYaml],
  ["the design's zones", 'zones', zonesYaml],
  ["the design's policy", 'policy', policyYaml],
  ['the starter image', 'image', starterImage],
  ['the starter zones', 'zones', starterZones],
  ['the default policy', 'policy', defaultPolicyYaml],
] as const)
  test(`the JSON Schema accepts ${title}`, async (t) => {
    t.deepEqual(await problems(kind, text), []);
  });

test('the JSON Schema refuses what the loader refuses, as far as a schema can', async (t) => {
  t.not((await problems('image', imageYaml.replace('name: churn', 'nmae: churn'))).length, 0);
  t.not((await problems('image', imageYaml.replace('version: 1.4.0', 'version: 1.10'))).length, 0);
  t.not((await problems('image', imageYaml.replace('  build:', '  image: x\n  build:'))).length, 0);
  t.not((await problems('zones', zonesYaml.replace('via: acr-import', 'via: ftp'))).length, 0);
  t.not((await problems('policy', policyYaml.replace('maxAge: 14d', 'maxAge: 14 days'))).length, 0);
});

test('policy.default.yaml is the policy that init writes, and says what a policy that says nothing means', async (t) => {
  t.is(await read('policy.default.yaml'), defaultPolicyYaml);
  const file = path.join(manifests, 'policy.default.yaml');
  t.deepEqual(await loadPolicy(file), { ...defaultRules, file });
});

test('every example loads, and its editor agrees', async (t) => {
  for (const name of (await readdir(manifests)).filter((entry) => entry.endsWith('.yaml'))) {
    const kind = name.startsWith('policy.') ? 'policy' : 'zones';
    await (kind === 'policy' ? loadPolicy : loadZones)(path.join(manifests, name));
    t.deepEqual(await problems(kind, await read(name)), [], name);
  }
  const images = (await readdir(path.join(manifests, 'images'))).filter((entry) => entry.endsWith('.yaml'));
  for (const name of images) {
    await loadImage(path.join(manifests, 'images', name));
    t.deepEqual(await problems('image', await read(`images/${name}`)), [], name);
  }
});

test('the demo policy relaxes only what its comments say', async (t) => {
  const demo = await loadPolicy(path.join(manifests, 'policy.demo.yaml'));
  const { exceptions, databaseMaxAge, ...scan } = demo.scan;
  t.deepEqual({ ...scan, exceptions: [] }, defaultRules.scan);
  t.deepEqual(demo.approvals, defaultRules.approvals);
  t.true(databaseMaxAge !== undefined && exceptions.every((one) => 'id' in one && one.package !== undefined));
  const relaxed = (await read('policy.demo.yaml')).split('\n').filter((line) => /:.*# RELAXED/.test(line));
  t.regex(relaxed.join('\n'), /databaseMaxAge/);
});
