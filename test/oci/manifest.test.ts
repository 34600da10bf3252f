import test from 'ava';
import type { ManifestContent } from '../../src/domain/descriptor.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { mediaTypes } from '../../src/domain/media-types.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import {
  childrenOf,
  encodeManifest,
  maxChildren,
  parseDescriptor,
  parseIndex,
  parseManifest,
  referrerOf,
} from '../../src/oci/manifest.ts';

const blob = (text: string, mediaType: string = mediaTypes.ociLayerGzip) => ({
  mediaType,
  digest: sha256(text),
  size: text.length,
});

const config = blob('{}', mediaTypes.ociConfig);

const content = (body: unknown, mediaType: string = mediaTypes.ociManifest): ManifestContent => {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return { descriptor: { mediaType, digest: sha256(bytes), size: bytes.byteLength }, bytes };
};

const good = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [blob('a'), blob('b')] };
const goodIndex = {
  schemaVersion: 2,
  mediaType: mediaTypes.ociIndex,
  manifests: [
    { ...blob('m', mediaTypes.ociManifest), platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
  ],
};

const invalid = { instanceOf: AmlpromoteError, code: 'CONTENT_INVALID' };

test('a manifest becomes config, layers, subject and annotations; duplicate layers are fine', (t) => {
  const subject = blob('s', mediaTypes.ociManifest);
  const parsed = parseManifest(
    content({
      ...good,
      layers: [blob('a'), blob('a')],
      subject,
      artifactType: 'a/b',
      annotations: { x: 'y' },
    }),
  );
  t.deepEqual(parsed, {
    mediaType: mediaTypes.ociManifest,
    artifactType: 'a/b',
    config,
    layers: [blob('a'), blob('a')],
    subject,
    annotations: { x: 'y' },
  });
});

test('mediaType in an OCI body may be missing; what Go writes for "none" is none', (t) => {
  const { config: c, layers } = good;
  t.deepEqual(
    parseManifest(
      content({ schemaVersion: 2, config: c, layers, annotations: null, subject: null, artifactType: '' }),
    ),
    { mediaType: mediaTypes.ociManifest, config: c, layers },
  );
});

test('an index becomes its manifests with platforms', (t) => {
  t.deepEqual(parseIndex(content(goodIndex, mediaTypes.ociIndex)).manifests, goodIndex.manifests as never);
});

test('childrenOf: config and layers, or manifests; never the subject', (t) => {
  const subject = blob('s', mediaTypes.ociManifest);
  t.deepEqual(childrenOf(content({ ...good, subject })), [config, blob('a'), blob('b')]);
  t.deepEqual(
    childrenOf(content({ ...goodIndex, subject }, mediaTypes.ociIndex)),
    goodIndex.manifests as never,
  );
});

test('encodeManifest is canonical: key order does not matter, the result parses back', (t) => {
  const one = encodeManifest({
    mediaType: mediaTypes.ociManifest,
    config,
    layers: [blob('a')],
    artifactType: 'a/b',
  });
  const two = encodeManifest({
    artifactType: 'a/b',
    layers: [blob('a')],
    config,
    mediaType: mediaTypes.ociManifest,
  });
  t.deepEqual(one, two);
  t.is(one.descriptor.artifactType, 'a/b');
  t.is(one.descriptor.digest, sha256(one.bytes));
  t.deepEqual(parseManifest(one).layers, [blob('a')]);
});

test('referrerOf: artifactType falls back to the config type, annotations are copied', (t) => {
  const subject = blob('s', mediaTypes.ociManifest);
  const found = referrerOf(content({ ...good, subject, annotations: { x: 'y' } }));
  t.is(found?.subject.digest, subject.digest);
  t.is(found?.descriptor.artifactType, mediaTypes.ociConfig);
  t.deepEqual(found?.descriptor.annotations, { x: 'y' });
  t.is(referrerOf(content(good)), undefined);
});

const refused = test.macro({
  exec(t, body: unknown, pattern: RegExp, mediaType: string = mediaTypes.ociManifest) {
    const error = t.throws(() => childrenOf(content(body, mediaType)), invalid);
    t.regex(error.message, pattern);
  },
  title: (given) => given ?? '',
});

test(
  'threat 3: another algorithm',
  refused,
  { ...good, config: { ...config, digest: `sha512:${'a'.repeat(128)}` } },
  /digest/,
);
test(
  'threat 3: upper-case hex',
  refused,
  { ...good, config: { ...config, digest: config.digest.toUpperCase() } },
  /digest/,
);
test(
  'threat 3: a digest that is not a string',
  refused,
  { ...good, config: { ...config, digest: 5 } },
  /digest/,
);
test('threat 4: a manifest with manifests', refused, { ...good, manifests: [] }, /does not belong/);
test(
  'threat 4: an index with layers',
  refused,
  { ...goodIndex, layers: [] },
  /does not belong/,
  mediaTypes.ociIndex,
);
test(
  'threat 4: an index with config',
  refused,
  { ...goodIndex, config },
  /does not belong/,
  mediaTypes.ociIndex,
);
test('threat 4: body and header disagree', refused, good, /came as/, mediaTypes.ociIndex);
test('threat 4: body says null', refused, { ...good, mediaType: null }, /came as/);
test('threat 4: an unknown type is not guessed', refused, good, /not an image manifest/, 'application/json');
test('threat 5: duplicate key', refused, '{"schemaVersion":2,"layers":[],"layers":[]}', /duplicate key/);
test('threat 5: case-folded key', refused, { ...good, Layers: [] }, /misspelling of "layers"/);
test('threat 5: case-folded key of the other kind', refused, { ...good, Manifests: [] }, /misspelling/);
test(
  'threat 5: case-folded key in a descriptor',
  refused,
  { ...good, config: { ...config, Digest: 'x' } },
  /misspelling/,
);
for (const size of [-1, 1.5, 2 ** 53, '5', null, -0]) {
  const text = Object.is(size, -0) ? '-0' : JSON.stringify(size);
  const body = JSON.stringify({ ...good, config: { ...config, size: 'HERE' } }).replace('"HERE"', text);
  test(`threat 19: size ${text}`, refused, body, /size/);
}
test(
  'threat 19: size 1e400',
  refused,
  JSON.stringify({ ...good, layers: [{ ...blob('a'), size: 0 }] }).replace('"size":0', '"size":1e400'),
  /size/,
);
test(
  'threat 24: a layer with urls',
  refused,
  { ...good, layers: [{ ...blob('a'), urls: ['https://x'] }] },
  /urls/,
);
test(
  'threat 24: OCI nondistributable',
  refused,
  { ...good, layers: [blob('a', 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip')] },
  /not distributable/,
);
test(
  'threat 24: Docker foreign',
  refused,
  { ...good, layers: [blob('a', 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip')] },
  /not distributable/,
);
test(
  'threat 25: schema 1 by type',
  refused,
  {},
  /schema 1/,
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
);
test('threat 25: schema 1 by body', refused, { schemaVersion: 1, fsLayers: [] }, /schema 1/);
test(
  'threat 25: schema 1 in an index',
  refused,
  { ...goodIndex, manifests: [blob('m', 'application/vnd.docker.distribution.manifest.v1+json')] },
  /schema 1/,
  mediaTypes.ociIndex,
);
test('schemaVersion missing', refused, { ...good, schemaVersion: undefined }, /schemaVersion/);
test('no config', refused, { ...good, config: undefined }, /config/);
test('layers is not an array', refused, { ...good, layers: {} }, /layers/);
test('an annotation that is not a string', refused, { ...good, annotations: { x: 1 } }, /annotations/);
test(
  'a media type with line feeds',
  refused,
  { ...good, config: { ...config, mediaType: 'a/b\n' } },
  /media type/,
);
test('an array for a manifest', refused, [], /object/);

test('threat 17: too many children', (t) => {
  const layers = Array.from({ length: maxChildren + 1 }, () => ({ ...blob('a'), mediaType: 'a/b' }));
  t.throws(() => parseManifest(content({ ...good, layers })), invalid);
});

test('parseDescriptor ignores data and an empty urls list', (t) => {
  t.deepEqual(parseDescriptor({ ...config, data: 'e30=', urls: [] }, 'x'), config);
});
