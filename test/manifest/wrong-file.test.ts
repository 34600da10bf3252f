import test from 'ava';
import type { FileKind } from '../../src/manifest/wrong-file.ts';
import { notAFile, wrongKind } from '../../src/manifest/wrong-file.ts';
import { imageYaml, policyYaml, zonesYaml } from '../support/manifest-samples.ts';

const release = JSON.stringify({ apiVersion: 'amlpromote/v1', kind: 'Release', release: 1 }, undefined, 2);
const texts: readonly (readonly [FileKind, string])[] = [
  ['Image', imageYaml],
  ['Zones', zonesYaml],
  ['Policy', policyYaml],
  ['Release', release],
];
const is: Readonly<Record<FileKind, string>> = {
  Image: 'an image manifest',
  Zones: 'a zones manifest',
  Policy: 'a policy',
  Release: 'a release.json',
};

for (const [kind, text] of texts)
  test(`${is[kind]} in place of another file is called that, and told where it belongs`, (t) => {
    for (const [wanted] of texts) {
      const found = wrongKind(text, wanted);
      if (wanted === kind) {
        t.is(found, undefined);
        continue;
      }
      t.true(found?.message.includes(`this is ${is[kind]}; ${is[wanted]} is wanted here`), found?.message);
      t.regex(found?.nextStep ?? '', /\w/);
    }
  });

test('the next step of the two that are confused most', (t) => {
  t.regex(wrongKind(release, 'Image')?.nextStep ?? '', /amlpromote promote --inside release\.json/);
  t.regex(
    wrongKind(imageYaml, 'Release')?.nextStep ?? '',
    /promote IMAGE\.yaml --outside --out release\.json/,
  );
  t.regex(wrongKind(zonesYaml, 'Image')?.nextStep ?? '', /with --zones/);
  t.regex(wrongKind(policyYaml, 'Release')?.nextStep ?? '', /with --policy/);
});

for (const [title, text, message] of [
  ['a key', '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\n', /a key or certificate \(PEM\)/],
  ['the output of --json', JSON.stringify({ image: { digest: 'x' }, release: {} }), /printed with --json/],
  ['an error of --json', JSON.stringify({ error: { code: 'USAGE' } }), /printed with --json/],
  ['a Dockerfile', '# syntax\nFROM debian:12\nRUN true\n', /a Dockerfile/],
] as const)
  test(`${title} is recognised, and nothing of it repeated`, (t) => {
    for (const [wanted] of texts) {
      const found = wrongKind(text, wanted);
      t.regex(found?.message ?? '', message);
      t.false(found?.isManifest);
      t.notRegex(found?.message ?? '', /MIGH|debian/);
    }
  });

for (const [title, text] of [
  ['nothing', ''],
  ['YAML of another tool', 'kind: Deployment\nmetadata: {}\n'],
  ['JSON of another tool', '{"kind":"List"}'],
  ['broken JSON', '{"kind":'],
  ['a manifest without its kind', 'name: churn\nimage: Zones\n'],
  ['a kind that is not at the top', 'a:\n  kind: Zones\n'],
] as const)
  test(`${title} is left to the schema`, (t) => {
    for (const [wanted] of texts) t.is(wrongKind(text, wanted), undefined);
  });

const hex = 'ab'.repeat(32);
for (const [argument, message, nextStep] of [
  ['contososec.azurecr.io/ml/churn:1.4.0', /it is an image reference/, /source: \{ image: |release\.json/],
  ['contososec.azurecr.io/ml/churn@sha256:abc123', /digest has 6 characters/, /in full: sha256: and 64/],
  ['sha256:abc123', /digest has 6 characters/, /64 hex digits/],
  [`sha256:${hex.toUpperCase()}`, /a whole one has 64/, /64 hex digits/],
  [`sha256:${hex}`, /without its registry/, /HOST\/REPOSITORY@sha256/],
  ['ml/churn:1.4.0', /lacks the registry/, /no default registry/],
  ['https://contososec.azurecr.io/ml/churn:1.4.0', /it is an address/, /scheme: contososec\.azurecr\.io\/ml/],
  ['contososec.azurecr.io/ML/Churn:1.4.0', /looks like an image reference/, /lower case/],
  [`contososec.azurecr.io/ML/Churn@sha256:${hex}`, /looks like an image reference/, /lower case/],
  [`contososec.azurecr.io/ml/churn@sha256:${hex.toUpperCase()}`, /digest|whole one/, /64 hex digits/],
] as const)
  test(`no file, but meant as something: ${argument.slice(0, 60)}`, (t) => {
    for (const wanted of ['Image', 'Release'] as const) {
      const error = notAFile(argument, wanted);
      t.is(error?.code, 'USAGE');
      t.regex(error?.message ?? '', /there is no such file/);
      t.regex(error?.message ?? '', message);
      t.regex(error?.nextSteps.join() ?? '', nextStep);
    }
  });

for (const argument of [
  'Manifests.D/Image.yaml',
  'https://',
  'release.json',
  './images/churn.yaml',
  '/work/x',
  'a@b',
  '',
])
  test(`no file, and meant as one: ${JSON.stringify(argument)}`, (t) => {
    t.is(notAFile(argument, 'Image'), undefined);
  });
