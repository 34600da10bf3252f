import { truncate } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { loadImage } from '../../src/manifest/image.ts';
import { imageFiles, imageYaml } from '../support/manifest-samples.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

const hex = 'ab'.repeat(32);
const buildLine = imageYaml.split('\n').find((line) => line.startsWith('  build:')) ?? '';

/** [what is wrong, text to replace, replacement, line:column and what the message must say] */
const cases: readonly (readonly [title: string, from: string, to: string, expected: RegExp])[] = [
  ['misspelt key', 'name: churn', 'nmae: churn', /:3:1: unknown key "nmae"; did you mean "name"\?/],
  ['key in another case', 'smoke:\n', 'Smoke:\n', /:13:1: unknown key "Smoke"; did you mean "smoke"\?/],
  [
    'misspelt nested key',
    'dockerfile:',
    'dockerfil:',
    /:8:32: unknown key "dockerfil" in source.build; did you mean "dockerfile"\?/,
  ],
  [
    'key without a neighbour',
    'release: 7',
    'colour: 7',
    /:5:1: unknown key "colour"; known are apiVersion, kind, name/,
  ],
  ['duplicate key', 'release: 7 ', 'name: other', /:5:1: duplicate key "name"/],
  ['duplicate nested key', 'args: {}', 'args: {}, args: {}', /:8:\d+: duplicate key "args"/],
  ['missing key', 'repository: ml/churn-train\n', '', /:1:1: repository: is missing/],
  ['missing nested key', 'context: ./context, ', '', /:8:10: source.build.context: is missing/],
  ['empty value', 'repository: ml/churn-train', 'repository:', /repository: is empty; expected text/],
  [
    'YAML alias',
    'name: churn-train',
    'name: &n churn-train\ntwin: *n',
    /:4:7: YAML aliases \(\*n\) are not allowed/,
  ],
  ['YAML anchor', 'name: churn-train', 'name: &n churn-train', /:3:10: YAML anchors \(&n\) are not allowed/],
  ['YAML tag', 'name: churn-train', 'name: !!str churn-train', /:3:13: YAML tags \(!…\) are not allowed/],
  [
    'YAML merge key',
    'tags: { team: churn }',
    'tags: { <<: { team: churn } }',
    /:11:11: merge keys \(<<\) are not allowed/,
  ],
  ['two documents', 'smoke:', '---\nsmoke:', /:13:1: a manifest is one document/],
  ['YAML directive', 'apiVersion', '%YAML 1.1\n---\napiVersion', /:1:1: directives .* are not allowed/],
  ['key that is no text', 'team: churn', '2024: churn', /key 2024 is not text: quote it: "2024"/],
  ['__proto__', 'team: churn', '__proto__: churn', /key "__proto__" is not allowed/],
  ['broken YAML', 'kind: Image', 'kind: "Image', /:\d+:\d+: missing closing "quote/],
  [
    'version as a float',
    'version: 1.4.0',
    'version: 1.10',
    /:4:10: version: expected text, but YAML reads 1.10 as the number 1.1; quote it: "1.10"/,
  ],
  [
    'version as an integer',
    'version: 1.4.0',
    'version: 010',
    /YAML reads 010 as the number \d+; quote it: "010"/,
  ],
  [
    'tag value as a boolean',
    'team: churn',
    'team: true',
    /environment.tags.team: expected text, .*quote it: "true"/,
  ],
  ['list where text is wanted', 'version: 1.4.0', 'version: [1]', /version: expected text, got a list/],
  [
    'text where a map is wanted',
    'tags: { team: churn }',
    'tags: churn',
    /environment.tags: expected a map, got the text "churn"/,
  ],
  ['wrong kind', 'kind: Image', 'kind: Zones', /:2:7: kind: expected "Image", got the text "Zones"/],
  ['wrong apiVersion', 'amlpromote/v1', 'amlpromote/v2', /apiVersion: expected "amlpromote\/v1"/],
  [
    'environment name with a dot',
    'name: churn-train',
    'name: churn.train',
    /:3:7: name: is not an environment name: .*no dot/,
  ],
  [
    'environment name of the service',
    'name: churn-train',
    'name: AzureML-x',
    /not starting with AzureML or Microsoft/,
  ],
  [
    'environment name too long',
    'name: churn-train',
    `name: ${'x'.repeat(256)}`,
    /name: is not an environment name/,
  ],
  ['version with a slash', 'version: 1.4.0', 'version: a/b', /version: is not a version/],
  ['reserved version release-3', 'version: 1.4.0', 'version: release-3', /version: is reserved/],
  ['reserved version receipts', 'version: 1.4.0', 'version: receipts', /version: is reserved/],
  ['reserved version build-…', 'version: 1.4.0', 'version: build-0123456789ab', /version: is reserved/],
  [
    'reserved version receipt-7-0123456789ab',
    'version: 1.4.0',
    'version: receipt-7-0123456789ab',
    /version: is reserved/,
  ],
  ['reserved version receipt-x', 'version: 1.4.0', 'version: receipt-x', /version: is reserved/],
  ['reserved version records', 'version: 1.4.0', 'version: records', /version: is reserved/],
  ['reserved version posture', 'version: 1.4.0', 'version: posture', /version: is reserved/],
  ['reserved version revocations', 'version: 1.4.0', 'version: revocations', /version: is reserved/],
  ['reserved version p-1', 'version: 1.4.0', 'version: p-1', /version: is reserved/],
  [
    'reserved repository amlpromote/trust',
    'repository: ml/churn-train',
    'repository: amlpromote/trust',
    /repository: is reserved/,
  ],
  [
    'reserved repository amlpromote/packages/policy',
    'repository: ml/churn-train',
    'repository: amlpromote/packages/policy',
    /repository: is reserved/,
  ],
  [
    'reserved repository quarantine/ml/churn-train',
    'repository: ml/churn-train',
    'repository: quarantine/ml/churn-train',
    /repository: is reserved/,
  ],
  ['release 0', 'release: 7', 'release: 0', /release: must be at least 1/],
  ['release 1.5', 'release: 7', 'release: 1.5', /release: expected a whole number, got the number 1.5/],
  ['release as text', 'release: 7', 'release: "7"', /release: expected a number, got the text "7"/],
  [
    'repository in upper case',
    'repository: ml/churn-train',
    'repository: ML/x',
    /:6:13: repository: is not a repository name/,
  ],
  ['neither build nor image', buildLine, '  {}', /source: must have exactly one of build and image/],
  [
    'build and image',
    buildLine,
    `${buildLine}\n  image: "a.io/b@sha256:${hex}"`,
    /:8:3: source: must have exactly one of build and image/,
  ],
  [
    'image by tag',
    buildLine,
    '  image: mcr.microsoft.com/azureml/base:latest',
    /source.image: is not an image by digest: .*a digest is required/,
  ],
  [
    'bad digest',
    buildLine,
    '  image: "mcr.microsoft.com/azureml/base@sha256:abc"',
    /source.image: is not an image by digest/,
  ],
  [
    'sha512 digest',
    buildLine,
    `  image: "a.io/b@sha512:${hex}${hex}"`,
    /source.image: is not an image by digest/,
  ],
  [
    'missing context',
    './context',
    './nowhere',
    /:8:21: source.build.context: there is no directory .*nowhere/,
  ],
  [
    'missing Dockerfile',
    'dockerfile: Dockerfile',
    'dockerfile: Other',
    /:8:44: source.build.dockerfile: there is no file .*Other/,
  ],
  [
    'Dockerfile outside the context',
    'dockerfile: Dockerfile',
    'dockerfile: ../Dockerfile',
    /must be a path within the build context/,
  ],
  [
    'builder that is not there',
    'builder: engine',
    'builder: buildx',
    /source.build.builder: is not available/,
  ],
  [
    'build secrets',
    'builder: engine',
    'builder: engine, secrets: [ { id: pip, env: PIP_TOKEN } ]',
    /build secrets need builder: buildx/,
  ],
  ['bad platform', 'linux/amd64', 'amd64', /source.build.platform: is not a platform/],
  [
    'unknown use',
    '[batch-training]',
    '[batch-trainig]',
    /environment.uses\[0\]: expected one of batch-training, batch-inference, .*did you mean "batch-training"\?/,
  ],
  [
    'missing smoke input',
    './smoke/churn.csv',
    './smoke/none.csv',
    /:15:43: smoke.inputs.data.path: there is no file/,
  ],
  ['local folder as input', 'type: uri_file', 'type: uri_folder', /a local path needs type: uri_file/],
  [
    'input without a path',
    ', path: ./smoke/churn.csv',
    '',
    /smoke.inputs.data: must have exactly one of path and value/,
  ],
  ['input of no type', 'type: uri_file, path', 'path', /a path needs type/],
  [
    'input from a job, misspelt',
    'path: ./smoke/churn.csv',
    'path: { job: a, outptu: b }',
    /unknown key "outptu" in smoke.inputs.data.path; did you mean "output"\?/,
  ],
  [
    'file name that cannot travel',
    './smoke/churn.csv',
    '"./smoke/a b.csv"',
    /the file name may have letters/,
  ],
  [
    'command naming no input',
    'inputs.data}}',
    'inputs.dta}}',
    /:14:12: smoke.command: names \$\{\{inputs.dta\}\}, which smoke.inputs does not declare/,
  ],
  [
    'command with something else',
    '${{inputs.data}}',
    '${{search_space.x}}',
    /smoke.command: has \$\{\{search_space.x\}\}/,
  ],
  ['input name', 'inputs: { data:', 'inputs: { da-ta:', /smoke.inputs.da-ta: the key is not an identifier/],
  [
    'timeout without a unit',
    'timeout: 10m',
    'timeout: 10',
    /:17:12: smoke.timeout: expected text, .*quote it/,
  ],
  ['timeout that is none', 'timeout: 10m', 'timeout: soon', /smoke.timeout: is not a duration/],
  ['timeout too long', 'timeout: 10m', 'timeout: 9w', /smoke.timeout: is out of range/],
];

for (const [title, from, to, expected] of cases)
  test(`refused: ${title}`, async (t) => {
    t.true(imageYaml.includes(from), 'the case must change the sample');
    const directory = await temporaryDirectory(t, {
      'image.yaml': imageYaml.replace(from, () => to),
      ...imageFiles,
    });
    const error = await t.throwsAsync(loadImage(path.join(directory, 'image.yaml')), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, 'MANIFEST_INVALID');
    t.is(error.exitCode, 2);
    t.regex(error.message, expected);
    t.true(error.message.startsWith(`${directory}/image.yaml:`));
    t.true(error.nextSteps.length > 0);
  });

test('all problems at once, in the order of the file, each with its line', async (t) => {
  const text = imageYaml
    .replace('timeout: 10m', 'timeout: soon')
    .replace('name: churn', 'nmae: churn')
    .replace('release: 7 ', 'version: 2 ');
  const directory = await temporaryDirectory(t, { 'image.yaml': text, ...imageFiles });
  const error = await t.throwsAsync(loadImage(path.join(directory, 'image.yaml')));
  t.deepEqual(
    [...error.message.matchAll(/image\.yaml:(\d+):\d+: ([^:;\n]*)/g)].map(([, line, what]) => [line, what]),
    [
      ['1', 'name'],
      ['3', 'unknown key "nmae"'],
      ['5', 'duplicate key "version"'],
      ['17', 'smoke.timeout'],
    ],
  );
  t.true(error.message.includes('\n  17 |   timeout: soon\n     |            ^'));
});

test('a credential in a refused line is not printed', async (t) => {
  const text = `${imageYaml}proxy: http://me:hunter2@proxy:3128\n`;
  const directory = await temporaryDirectory(t, { 'image.yaml': text, ...imageFiles });
  const error = await t.throwsAsync(loadImage(path.join(directory, 'image.yaml')));
  t.regex(error.message, /unknown key "proxy"/);
  t.false(error.message.includes('hunter2'));
});

test('files that are no manifest', async (t) => {
  const directory = await temporaryDirectory(t, {
    'empty.yaml': '',
    'comment.yaml': '# nothing\n',
    'list.yaml': '- a\n',
    'latin1.yaml': Buffer.from([0x6b, 0x3a, 0x20, 0xe9, 0x0a]),
    'deep.yaml': `a: ${'['.repeat(5000)}`,
    'nested.yaml': `a: ${'['.repeat(200)}${']'.repeat(200)}`,
    'large.yaml': '',
  });
  await truncate(path.join(directory, 'large.yaml'), 1024 * 1024 + 1);
  const expected: readonly (readonly [string, RegExp])[] = [
    ['none.yaml', /there is no such file/],
    ['', /is a directory/],
    ['empty.yaml', /the file is empty/],
    ['comment.yaml', /the file is empty/],
    ['list.yaml', /expected a map, got a list/],
    ['latin1.yaml', /not valid UTF-8/],
    ['deep.yaml', /deep\.yaml:1:/],
    ['nested.yaml', /nested deeper than 32/],
    ['large.yaml', /larger than 1048576 bytes/],
  ];
  for (const [name, message] of expected) {
    const error = await t.throwsAsync(
      loadImage(path.join(directory, name)),
      { instanceOf: AmlpromoteError, message },
      name,
    );
    t.is(error.code, 'MANIFEST_INVALID', name);
  }
});

test('a smoke input over 1 MiB is refused, for it travels with the release', async (t) => {
  const directory = await temporaryDirectory(t, { 'image.yaml': imageYaml, ...imageFiles });
  await truncate(path.join(directory, 'smoke/churn.csv'), 1024 * 1024 + 1);
  await t.throwsAsync(loadImage(path.join(directory, 'image.yaml')), {
    message: /at most 1048576 are allowed/,
  });
});
