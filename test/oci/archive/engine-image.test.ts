import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { ManifestContent } from '../../../src/domain/descriptor.ts';
import type { Digest } from '../../../src/domain/digest.ts';
import { hexOf } from '../../../src/domain/digest.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import type { EngineArchive } from '../../../src/oci/archive/archive-content.ts';
import { storeEngineImage } from '../../../src/oci/archive/engine-image.ts';
import type { LayerOutcome } from '../../../src/oci/archive/layers.ts';
import { parseManifest } from '../../../src/oci/manifest.ts';
import type { Store } from '../../../src/oci/store/store.ts';
import { openStore } from '../../../src/oci/store/store.ts';
import { memoryRegistry } from '../../support/memory-registry.ts';
import type { TarRecord } from '../../support/tar-archive.ts';
import { tarArchive, tarOfFiles } from '../../support/tar-archive.ts';
import { failsWith, temporaryDirectory } from '../store/support.ts';

/** Large enough to be spooled to a file. */
const large = tarOfFiles({ 'usr/lib/big': randomBytes(400_000).toString('base64') });
const small = tarOfFiles({ 'app/train.py': 'print(1)\n' });

const configOf = (layers: readonly Buffer[], changes: object = {}): Buffer =>
  Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      created: new Date().toISOString(),
      container: randomBytes(32).toString('hex'),
      docker_version: '20.10.24',
      container_config: { Hostname: 'abc' },
      config: {
        Hostname: randomBytes(6).toString('hex'),
        AttachStdin: false,
        Image: sha256(randomBytes(4)),
        Env: ['PATH=/bin', 'A=b'],
        Cmd: ['python3', '/app/train.py'],
        User: '10001:10001',
        WorkingDir: '/app',
        Entrypoint: null,
        OnBuild: null,
        Labels: { a: 'b' },
        Healthcheck: { Test: ['NONE'] },
      },
      history: [
        { created: new Date().toISOString(), created_by: 'COPY', comment: '' },
        { created: new Date().toISOString(), created_by: 'CMD', empty_layer: true },
      ],
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => sha256(layer)) },
      ...changes,
    }),
  );

const manifestOf = (config: string, layers: readonly string[]): TarRecord => ({
  name: 'manifest.json',
  content: JSON.stringify([{ Config: config, RepoTags: null, Layers: layers }]),
});

/** Docker 20.10: a folder per layer; a layer that comes twice is a symbolic link. */
function legacy(layers: readonly Buffer[], config: Buffer = configOf(layers)): Buffer {
  const first = (layer: Buffer): number => layers.findIndex((other) => other.equals(layer));
  return tarArchive(
    ...layers.flatMap((content, at): TarRecord[] => [
      { name: `${String(at)}aa/`, type: '5' },
      { name: `${String(at)}aa/VERSION`, content: '1.0' },
      first(content) === at
        ? { name: `${String(at)}aa/layer.tar`, content }
        : { name: `${String(at)}aa/layer.tar`, type: '2', link: `../${String(first(content))}aa/layer.tar` },
    ]),
    { name: `${hexOf(sha256(config))}.json`, content: config },
    manifestOf(
      `${hexOf(sha256(config))}.json`,
      layers.map((_layer, at) => `${String(at)}aa/layer.tar`),
    ),
  );
}

/** Docker 25 and later: an OCI layout with manifest.json beside it. `pack` is for engines that keep layers compressed. */
function oci(layers: readonly Buffer[], pack: (layer: Buffer) => Buffer = (layer) => layer): Buffer {
  const config = configOf(layers);
  const blob = (content: Buffer): TarRecord => ({ name: `blobs/sha256/${hexOf(sha256(content))}`, content });
  return tarArchive(
    { name: 'blobs/', type: '5' },
    blob(config),
    ...layers.map((layer) => blob(pack(layer))),
    { name: 'index.json', content: '{}' },
    manifestOf(
      blob(config).name,
      layers.map((layer) => blob(pack(layer)).name),
    ),
    { name: 'oci-layout', content: '{}' },
  );
}

function podman(layers: readonly Buffer[]): Buffer {
  const config = configOf(layers);
  const name = (layer: Buffer): string => `${hexOf(sha256(layer))}.tar`;
  return tarArchive(
    ...layers.map((content): TarRecord => ({ name: name(content), content })),
    { name: `${hexOf(sha256(config))}.json`, content: config },
    { name: 'aa/layer.tar', type: '2', link: `../${name(layers[0] ?? small)}` },
    manifestOf(`${hexOf(sha256(config))}.json`, layers.map(name)),
  );
}

interface Taken {
  readonly content: ManifestContent;
  readonly outcomes: readonly LayerOutcome[];
}

async function take(
  store: Store,
  archive: Buffer,
  layers: readonly Buffer[],
  options: Partial<EngineArchive> = {},
): Promise<Taken> {
  const outcomes: LayerOutcome[] = [];
  const content = await storeEngineImage({
    archive: Readable.from([archive], { objectMode: false }),
    store,
    repository: 'a',
    diffIds: [...new Set(layers.map((layer) => sha256(layer)))],
    created: '2026-01-01T00:00:00Z',
    annotations: { 'dev.amlpromote.build-key': 'k' },
    onLayer: (_diffId, _layer, outcome) => outcomes.push(outcome),
    ...options,
  });
  await store.repository('a').pushManifest(content);
  return { content, outcomes };
}

async function open(t: ExecutionContext): Promise<Store> {
  return openStore(temporaryDirectory(t));
}

async function layersOf(store: Store, content: ManifestContent): Promise<readonly Buffer[]> {
  const layers: Buffer[] = [];
  for (const layer of parseManifest(content).layers) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await store.repository('a').blob(layer)) chunks.push(chunk as Uint8Array);
    layers.push(gunzipSync(Buffer.concat(chunks)));
  }
  return layers;
}

for (const [form, archiveOf] of [
  ['Docker 20.10', (layers: readonly Buffer[]) => legacy(layers)],
  ['Docker 25', (layers: readonly Buffer[]) => oci(layers)],
  ['Podman', podman],
] as const) {
  test(`${form}: layers arrive as they were, compressed, in order`, async (t) => {
    const store = await open(t);
    const { content, outcomes } = await take(store, archiveOf([large, small]), [large, small]);
    const [first, second, ...rest] = await layersOf(store, content);
    t.true(first?.equals(large));
    t.true(second?.equals(small));
    t.deepEqual(rest, []);
    t.deepEqual(outcomes, ['compressed', 'compressed']);
    t.deepEqual(readdirSync(join(store.directory, 'tmp')), []);
    t.is(parseManifest(content).annotations?.['dev.amlpromote.build-key'], 'k');
  });

  test(`${form}: the second time nothing is compressed, and the digest is the same`, async (t) => {
    const store = await open(t);
    const first = await take(store, archiveOf([large, small]), [large, small]);
    const second = await take(store, archiveOf([large, small]), [large, small]);
    t.is(second.content.descriptor.digest, first.content.descriptor.digest);
    t.deepEqual(second.outcomes, ['known', 'known']);
  });
}

test('a layer that comes twice is listed twice and stored once', async (t) => {
  const store = await open(t);
  const { content, outcomes } = await take(store, legacy([large, small, large]), [large, small, large]);
  const { layers } = parseManifest(content);
  t.is(layers.length, 3);
  t.is(layers[0]?.digest, layers[2]?.digest);
  t.is(outcomes.length, 2);
});

test('another store gives the same digest: nothing of the engine or the time is in the image', async (t) => {
  const [first, second] = [
    await take(await open(t), legacy([large]), [large]),
    await take(await open(t), oci([large]), [large]),
  ];
  t.is(first.content.descriptor.digest, second.content.descriptor.digest);
});

test('what matters to a running container is kept in the configuration', async (t) => {
  const store = await open(t);
  const { content } = await take(store, legacy([small]), [small]);
  const { config } = parseManifest(content);
  const chunks: Uint8Array[] = [];
  for await (const chunk of await store.repository('a').blob(config)) chunks.push(chunk as Uint8Array);
  t.deepEqual(JSON.parse(Buffer.concat(chunks).toString()), {
    architecture: 'amd64',
    os: 'linux',
    created: '2026-01-01T00:00:00Z',
    config: {
      Env: ['PATH=/bin', 'A=b'],
      Cmd: ['python3', '/app/train.py'],
      User: '10001:10001',
      WorkingDir: '/app',
      Labels: { a: 'b' },
      Healthcheck: { Test: ['NONE'] },
    },
    history: [
      { created: '2026-01-01T00:00:00Z', created_by: 'COPY' },
      { created: '2026-01-01T00:00:00Z', created_by: 'CMD', empty_layer: true },
    ],
    rootfs: { type: 'layers', diff_ids: [sha256(small)] },
  });
});

test('an engine that keeps its layers compressed: they are taken as they are, once checked', async (t) => {
  const store = await open(t);
  const { content, outcomes } = await take(
    store,
    oci([large], (layer) => gzipSync(layer)),
    [large],
  );
  t.deepEqual(outcomes, ['fetched']);
  t.is(parseManifest(content).layers[0]?.digest, sha256(gzipSync(large)));
  t.deepEqual(await store.layers.find(sha256(large)), parseManifest(content).layers[0]);
});

test('an image without layers', async (t) => {
  const store = await open(t);
  const config = configOf([]);
  const archive = tarArchive(
    { name: 'c.json', content: config },
    { name: 'manifest.json', content: '[{"Config":"c.json","RepoTags":null,"Layers":null}]' },
  );
  t.deepEqual(parseManifest((await take(store, archive, [])).content).layers, []);
});

test('a layer of an earlier release is fetched, not compressed', async (t) => {
  const store = await open(t);
  const registry = memoryRegistry();
  const layer = registry.putBlob('a', gzipSync(large, { level: 1 }), mediaTypes.ociLayerGzip);
  const lookup = async (diffId: Digest) =>
    diffId === sha256(large) ? { layer, content: registry.repository('a') } : undefined;
  const { content, outcomes } = await take(store, legacy([large, small]), [large, small], { lookup });
  t.deepEqual([...outcomes].sort(), ['compressed', 'fetched']);
  t.is(parseManifest(content).layers[0]?.digest, layer.digest);
});

for (const [what, bytes] of [
  ['something else', gzipSync('something else')],
  ['what is not gzip', Buffer.from('not gzip')],
  ['a bomb', gzipSync(Buffer.alloc(50_000_000))],
] as const) {
  test(`threat 20: an earlier release that has ${what} for a layer is not believed`, async (t) => {
    const store = await open(t);
    const registry = memoryRegistry();
    const layer = registry.putBlob('a', bytes, mediaTypes.ociLayerGzip);
    const lookup = async () => ({ layer, content: registry.repository('a') });
    const { content, outcomes } = await take(store, legacy([large]), [large], { lookup });
    t.deepEqual(outcomes, ['compressed']);
    t.true((await layersOf(store, content))[0]?.equals(large));
  });
}

test('a registry that cannot be asked for earlier layers does not matter', async (t) => {
  const lookup = async () => {
    throw new Error('unreachable');
  };
  t.deepEqual((await take(await open(t), legacy([small]), [small], { lookup })).outcomes, ['compressed']);
});

const brokenArchives: readonly (readonly [string, Buffer, 'CONTENT_INVALID' | 'INTEGRITY_MISMATCH'])[] = [
  ['without manifest.json', tarArchive({ name: 'x', content: 'y' }), 'CONTENT_INVALID'],
  [
    'with two images',
    tarArchive({ name: 'manifest.json', content: '[{"Config":"a"},{"Config":"b"}]' }),
    'CONTENT_INVALID',
  ],
  ['with no list of images', tarArchive({ name: 'manifest.json', content: '{}' }), 'CONTENT_INVALID'],
  ['whose configuration is missing', tarArchive(manifestOf('c.json', [])), 'CONTENT_INVALID'],
  [
    'whose layers are not names',
    tarArchive({ name: 'manifest.json', content: '[{"Config":"a","Layers":[1]}]' }),
    'CONTENT_INVALID',
  ],
  ['whose configuration lists another layer', legacy([small], configOf([large])), 'INTEGRITY_MISMATCH'],
  ['whose configuration lists more layers', legacy([small], configOf([small, large])), 'INTEGRITY_MISMATCH'],
  [
    'whose links go round in circles',
    tarArchive(
      { name: 'a', type: '2', link: 'b' },
      { name: 'b', type: '2', link: 'a' },
      { name: 'c.json', content: configOf([small]) },
      manifestOf('c.json', ['a']),
    ),
    'INTEGRITY_MISMATCH',
  ],
];
for (const [what, archive, code] of brokenArchives) {
  test(`an archive ${what} is ${code} and leaves no temporary file`, async (t) => {
    const store = await open(t);
    await failsWith(t, code, () => take(store, archive, [small]));
    t.deepEqual(readdirSync(join(store.directory, 'tmp')), []);
  });
}

test('an archive that breaks off is an error and leaves no temporary file', async (t) => {
  const store = await open(t);
  const whole = legacy([large, small]);
  for (const length of [100, 300_000, whole.length - 2000]) {
    await failsWith(t, 'ENGINE_UNREACHABLE', () => take(store, whole.subarray(0, length), [large, small]));
  }
  const archive = new Readable({ read() {} });
  archive.push(whole.subarray(0, 300_000));
  const taking = take(store, whole, [large], { archive });
  setImmediate(() => archive.destroy(new Error('connection reset')));
  const error = await failsWith(t, 'ENGINE_UNREACHABLE', () => taking);
  t.is((error.cause as Error).message, 'connection reset');
  t.deepEqual(readdirSync(join(store.directory, 'tmp')), []);
});

test('what is no tar is CONTENT_INVALID', async (t) => {
  await failsWith(t, 'CONTENT_INVALID', async () => take(await open(t), Buffer.alloc(4096, 'no tar'), []));
});

test('taking an image can be aborted', async (t) => {
  const store = await open(t);
  const signal = AbortSignal.abort(new Error('enough'));
  await t.throwsAsync(take(store, legacy([large]), [large], { signal }), { message: 'enough' });
  t.deepEqual(readdirSync(join(store.directory, 'tmp')), []);
});
