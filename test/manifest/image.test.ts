import path from 'node:path';
import test from 'ava';
import { parseDigest } from '../../src/domain/digest.ts';
import { loadImage, resolveVersion } from '../../src/manifest/image.ts';
import { imageFiles, imageYaml } from '../support/manifest-samples.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

const hex = 'ab'.repeat(32);

test('the manifest of the design, with paths made absolute and units parsed', async (t) => {
  const directory = await temporaryDirectory(t, { 'image.yaml': imageYaml, ...imageFiles });
  const image = await loadImage(path.join(directory, 'image.yaml'));
  t.deepEqual(image, {
    apiVersion: 'amlpromote/v1',
    kind: 'Image',
    name: 'churn-train',
    version: '1.4.0',
    release: 7,
    repository: 'ml/churn-train',
    source: {
      kind: 'build',
      context: path.join(directory, 'context'),
      dockerfile: 'Dockerfile',
      args: {},
      target: 'runtime',
      platform: { os: 'linux', architecture: 'amd64' },
      builder: 'engine',
    },
    environment: {
      description: 'Gradient boosting training',
      tags: { team: 'churn' },
      uses: ['batch-training'],
    },
    smoke: {
      command: 'python train.py --data ${{inputs.data}} --out ${{outputs.model}}',
      inputs: { data: { type: 'uri_file', file: path.join(directory, 'smoke/churn.csv') } },
      outputs: { model: { type: 'uri_folder' } },
      timeoutSeconds: 600,
    },
    file: path.join(directory, 'image.yaml'),
  });
});

test('the least that a manifest can say, with the defaults', async (t) => {
  const text = [
    'apiVersion: amlpromote/v1',
    'kind: Image',
    'name: x',
    'version: auto',
    'repository: ml/x',
    'source: { build: { context: ./context } }',
    '',
  ].join('\n');
  const directory = await temporaryDirectory(t, { 'image.yaml': text, ...imageFiles });
  const image = await loadImage(path.join(directory, 'image.yaml'));
  t.deepEqual(image.environment, { tags: {}, uses: [] });
  t.is(image.smoke, undefined);
  t.is(image.release, undefined);
  t.like(image.source, { dockerfile: 'Dockerfile', builder: 'engine', platform: { os: 'linux' } });
  t.is(resolveVersion(image, parseDigest(`sha256:${hex}`)), 'abababababab');
  t.is(resolveVersion({ version: '1.0' }, parseDigest(`sha256:${hex}`)), '1.0');
});

test('build arguments whose values may be known are named, and are given', async (t) => {
  const load = async (build: string) => {
    const text = imageYaml.replace('args: {}', build);
    const directory = await temporaryDirectory(t, { 'image.yaml': text, ...imageFiles });
    return loadImage(path.join(directory, 'image.yaml'));
  };
  const { source } = await load('args: { BASE: "x", TOKEN: "y" }, publicArgs: [BASE]');
  t.like(source, { args: { BASE: 'x', TOKEN: 'y' }, publicArgs: ['BASE'] });
  for (const [build, expected] of [
    ['args: { BASE: "x" }, publicArgs: [BSAE]', /publicArgs\[0\]: names BSAE, which is not under args/],
    ['args: {}, publicArgs: [toString]', /publicArgs\[0\]: names toString/],
    ['args: {}, publicArgs: ["a b"]', /publicArgs\[0\]: is not an identifier/],
  ] as const) {
    const error = await t.throwsAsync(load(build), { code: 'MANIFEST_INVALID' });
    t.regex(error.message, expected);
  }
});

test('inputs: a job output, a literal; a build platform with a variant', async (t) => {
  const text = imageYaml
    .replace('platform: linux/amd64', 'platform: linux/arm64/v8')
    .replace(
      '{ data: { type: uri_file, path: ./smoke/churn.csv } }',
      '{ data: { type: uri_folder, path: { job: churn-train, output: model } }, rate: { value: "0.1" }, n: { type: literal, value: "3" } }',
    );
  const directory = await temporaryDirectory(t, { 'image.yaml': text, ...imageFiles });
  const image = await loadImage(path.join(directory, 'image.yaml'));
  t.deepEqual(image.smoke?.inputs, {
    data: { type: 'uri_folder', job: 'churn-train', output: 'model' },
    rate: { type: 'literal', value: '0.1' },
    n: { type: 'literal', value: '3' },
  });
  t.like(image.source, { platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } });
});

test('an existing image by digest, from a registry or an OCI layout', async (t) => {
  const head = imageYaml.slice(0, imageYaml.indexOf('source:'));
  const directory = await temporaryDirectory(t, {
    'vendor.yaml': `${head}source: { image: "mcr.microsoft.com/azureml/base:latest@sha256:${hex}" }\n`,
    'layout.yaml': `${head}source: { image: "oci:./vendor@sha256:${hex}" }\n`,
    'vendor/oci-layout': '{}',
  });
  const { source } = await loadImage(path.join(directory, 'vendor.yaml'));
  t.deepEqual(source, {
    kind: 'image',
    from: 'registry',
    host: 'mcr.microsoft.com',
    repository: 'azureml/base',
    digest: parseDigest(`sha256:${hex}`),
  });
  t.like((await loadImage(path.join(directory, 'layout.yaml'))).source, {
    from: 'layout',
    layout: path.join(directory, 'vendor'),
  });
});
