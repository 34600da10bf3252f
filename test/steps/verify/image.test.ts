import test from 'ava';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { readPlatforms } from '../../../src/steps/verify/image.ts';
import { memoryRegistry } from '../../support/memory-registry.ts';
import {
  attestation,
  attestationArtifact,
  layerTar,
  pushChild,
  pushIndex,
  statement,
} from '../../support/index-children.ts';
import type { ChildParts, Listed } from '../../support/index-children.ts';
import { pushImage } from '../../support/signed-release.ts';
import { tarRecord } from '../../support/tar-archive.ts';

const unknown = { os: 'unknown', architecture: 'unknown' };
const amd64 = { os: 'linux', architecture: 'amd64' };

/** Platforms of an index that lists an honest image for linux/amd64 and `parts` as `label`. */
async function platformsWith(
  parts: ChildParts,
  label: unknown,
  more: object = {},
): Promise<readonly string[]> {
  const target = memoryRegistry().repository('r');
  const honest = { ...(await pushImage(target)), platform: amd64 };
  const child = await pushChild(target, parts);
  const listed = [
    honest,
    { ...child, ...more, ...(label === undefined ? {} : { platform: label }) } as Listed,
  ];
  return (await readPlatforms(target, await pushIndex(target, listed))).map(({ facts }) => facts.platform);
}

const judged = test.macro({
  async exec(t, parts: ChildParts, label: unknown, as: string, more: object = {}) {
    t.deepEqual(await platformsWith(parts, label, more), ['linux/amd64', as]);
  },
  title: (given) => `judged as an image: ${given ?? ''}`,
});
const skipped = test.macro({
  async exec(t, parts: ChildParts, label: unknown, more: object = {}) {
    t.deepEqual(await platformsWith(parts, label, more), ['linux/amd64']);
  },
  title: (given) => `left out, for nothing of it can run: ${given ?? ''}`,
});
const refused = test.macro({
  async exec(t, parts: ChildParts, label: unknown, message: RegExp) {
    const error = await t.throwsAsync(platformsWith(parts, label), { code: 'CONTENT_INVALID' });
    t.regex(error.message, message);
  },
  title: (given) => `refused: ${given ?? ''}`,
});

const configOf = (parts: object) => ({ os: 'linux', architecture: 'amd64', ...parts });
const reference = {
  annotations: {
    'vnd.docker.reference.type': 'attestation-manifest',
    'vnd.docker.reference.digest': sha256('image'),
  },
  artifactType: 'application/vnd.docker.attestation.manifest.v1+json',
};

test('an attestation of BuildKit', skipped, attestation, unknown, reference);
test('an attestation of BuildKit as an OCI artifact', skipped, attestationArtifact, unknown, reference);
test('an attestation without a label', skipped, attestation, undefined);
test('an attestation with label null', skipped, attestation, null);

test('an image that is annotated as an attestation', judged, {}, amd64, 'linux/amd64', reference);
test('an image without a label', judged, {}, undefined, 'linux/amd64');
test(
  'an image without a label, annotated as an attestation',
  judged,
  {},
  undefined,
  'linux/amd64',
  reference,
);
test('label null', judged, {}, null, 'linux/amd64');
test(
  'label with os.version and features',
  judged,
  {},
  { ...amd64, 'os.version': '1', 'os.features': ['x'] },
  'linux/amd64',
);
test('no layers', judged, { layers: [] }, undefined, 'linux/amd64');
test('no layers and no platform', judged, { ...attestation, layers: [] }, unknown, 'unknown/unknown');
test('a config that says it is empty', judged, { configType: mediaTypes.ociEmpty }, undefined, 'linux/amd64');
test(
  'a config of some other type',
  judged,
  { configType: 'application/vnd.example.v1+json' },
  amd64,
  'linux/amd64',
);
test(
  'an attestation with a layer added',
  judged,
  { ...attestation, layers: [...(attestation.layers ?? []), [mediaTypes.ociLayerGzip, layerTar]] },
  unknown,
  'unknown/unknown',
);
for (const type of [
  mediaTypes.dockerLayerGzip,
  mediaTypes.ociLayerZstd,
  'application/vnd.example',
  'text/plain',
]) {
  test(
    `no platform, and a layer of type ${type}`,
    judged,
    { ...attestation, layers: [[type, statement]] },
    unknown,
    'unknown/unknown',
  );
}
for (const [title, content] of [
  ['a compressed archive', layerTar],
  ['an archive', Buffer.concat([tarRecord({ name: 'bin/sh', content: 'x' }), Buffer.alloc(1024)])],
  ['nothing', ''],
  ['other JSON', '{"a":1}'],
  ['a statement of some other kind', '{"_type":"https://evil.example/Statement/v1"}'],
  ['a list of statements', `[${statement}]`],
  ['a text that is a statement and an archive', polyglot()],
] as const) {
  test(
    `no platform, and a layer that claims to be a statement but is ${title}`,
    judged,
    { ...attestation, layers: [[mediaTypes.dssePayload, content]] },
    unknown,
    'unknown/unknown',
  );
}

test(
  'an image for linux/amd64 listed as unknown/unknown',
  refused,
  {},
  unknown,
  /listed as unknown\/unknown but is linux\/amd64/,
);
test(
  'an image for linux/amd64 of statements, listed as unknown/unknown',
  refused,
  { ...attestation, config: configOf({}) },
  unknown,
  /but is linux\/amd64/,
);
test(
  'an attestation listed as linux/amd64',
  refused,
  attestation,
  amd64,
  /listed as linux\/amd64 but is unknown\/unknown/,
);
test('half unknown', refused, {}, { os: 'linux', architecture: 'unknown' }, /listed as/);
for (const label of ['AMD64', 'x86_64', 'arm64', 'Amd64', ''])
  test(
    `an image for amd64 listed as ${label || 'nothing'}`,
    refused,
    {},
    { os: 'linux', architecture: label },
    /listed as/,
  );
for (const os of ['Linux', 'windows', 'linux '])
  test(`an image for linux listed as "${os}"`, refused, {}, { os, architecture: 'amd64' }, /listed as/);
test('a label that is no platform', refused, {}, 'linux/amd64', /expected an object/);
test('a label without an architecture', refused, {}, { os: 'linux' }, /must be strings/);
test('a label spelt otherwise', refused, {}, { ...amd64, Oſ: 'linux' }, /misspelling/);
test(
  'variant v3 listed without one',
  refused,
  { config: configOf({ variant: 'v3' }) },
  amd64,
  /but is linux\/amd64\/v3/,
);
test(
  'variant v3 listed as v2',
  refused,
  { config: configOf({ variant: 'v3' }) },
  { ...amd64, variant: 'v2' },
  /but is/,
);
test(
  'a config without os and architecture',
  refused,
  { config: {} },
  undefined,
  /names no os and architecture/,
);
test(
  'a config without an os, as unknown/unknown',
  refused,
  { config: { architecture: 'amd64' } },
  unknown,
  /names no os/,
);
test('a config that is no JSON object', refused, { config: [] }, undefined, /expected an object/);
test(
  'a config that Go reads otherwise',
  refused,
  { config: configOf({ 'rootf\u017f': {} }) },
  undefined,
  /misspelling/,
);

test('variant v1 is none', judged, { config: configOf({ variant: 'v1' }) }, amd64, 'linux/amd64/v1');
test(
  'variant v8 of arm64 is none',
  judged,
  { config: { os: 'linux', architecture: 'arm64' } },
  { os: 'linux', architecture: 'arm64', variant: 'v8' },
  'linux/arm64/v8',
);
test('a variant that only the label has', judged, {}, { ...amd64, variant: 'v3' }, 'linux/amd64/v3');

test('an index in an index is refused in words that say so', async (t) => {
  const target = memoryRegistry().repository('r');
  const honest = { ...(await pushImage(target)), platform: amd64 };
  const inner = await pushIndex(target, [{ ...(await pushChild(target)), platform: amd64 }]);
  for (const platform of [undefined, amd64, unknown]) {
    const outer = await pushIndex(target, [honest, { ...inner, ...(platform ? { platform } : {}) }]);
    const error = await t.throwsAsync(readPlatforms(target, outer), { code: 'CONTENT_INVALID' });
    t.regex(error.message, /lists another index/);
  }
});

test('an index of attestations alone is no image; an attestation alone is judged', async (t) => {
  const target = memoryRegistry().repository('r');
  const child = await pushChild(target, attestation);
  const index = await pushIndex(target, [{ ...child, platform: unknown }]);
  await t.throwsAsync(readPlatforms(target, index), { message: /lists no platform/ });
  t.is((await readPlatforms(target, child))[0]?.facts.platform, 'unknown/unknown');
});

test('a statement that is gone leaves the question open: it is not taken for one', async (t) => {
  const registry = memoryRegistry();
  const target = registry.repository('r');
  const honest = { ...(await pushImage(target)), platform: amd64 };
  const index = await pushIndex(target, [
    honest,
    { ...(await pushChild(target, attestation)), platform: unknown },
  ]);
  registry.drop(sha256(statement));
  await t.throwsAsync(readPlatforms(target, index), { code: 'LISTED_CONTENT_MISSING' });
});

/** JSON of which the first 512 bytes are the header of an archive as old programs wrote it: without a NUL anywhere. */
function polyglot(): string {
  const start = '{"_type":"https://in-toto.io/Statement/v1","x":"';
  const field = (text: string, length: number): string => text.padEnd(length, ' ');
  const before = `${start}${'n'.repeat(100 - start.length)}${field('644', 8)}${field('0', 8)}${field('0', 8)}${field('1000', 12)}${field('0', 12)}`;
  const after = `0${'l'.repeat(100)}${' '.repeat(255)}`;
  const sum = [...Buffer.from(before + after)].reduce((total, byte) => total + byte, 8 * 32);
  return `${before}${field(sum.toString(8), 8)}${after}${'#!/bin/sh '.repeat(51)}"}`;
}
