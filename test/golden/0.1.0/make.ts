/**
 * Made this directory, once, with amlpromote 0.1.0: the product code of commit
 * 90a53c529bc37d475446b2a0d2e364cc8f25c5ad and nothing newer. It is kept to show how the files came to be; it is never run
 * again, and not compiled, linted or kept working with later code. See README.md.
 *
 *     node test/golden/0.1.0/make.ts
 *
 * Written by hand and read by this script: `manifests/`, `advisories/` (but GOLDEN-0004) and README.md. Everything else is
 * its output.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import type { ExecutionContext } from 'ava';
import { createEnvironments } from '../../../src/adapters/aml/environments.ts';
import { openFileSigner } from '../../../src/adapters/signer/file.ts';
import { writeReleaseFile } from '../../../src/cli/release-file.ts';
import type { Descriptor, ManifestContent } from '../../../src/domain/descriptor.ts';
import { hexOf } from '../../../src/domain/digest.ts';
import type { Digest } from '../../../src/domain/digest.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { isImageManifestType, isIndexType, mediaTypes } from '../../../src/domain/media-types.ts';
import { quarantineOf } from '../../../src/domain/names.ts';
import type { ReleaseDocument } from '../../../src/domain/release.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { createLoneIdentity, createSigningIdentity } from '../../../src/evidence/certificates.ts';
import { createInside } from '../../../src/inside.ts';
import { loadImage } from '../../../src/manifest/image.ts';
import { loadPolicy } from '../../../src/manifest/policy.ts';
import { loadZones } from '../../../src/manifest/zones.ts';
import { childrenOf, encodeManifest } from '../../../src/oci/manifest.ts';
import { openStore } from '../../../src/oci/store/store.ts';
import { createOutside } from '../../../src/outside.ts';
import type { Engine, EngineImage } from '../../../src/ports/engine.ts';
import { promoteOutside } from '../../../src/promote.ts';
import { createBuiltinScanner } from '../../../src/scanner/builtin.ts';
import { workspace } from '../../../src/sandbox/topology.ts';
import { startAmlSandbox } from '../../support/aml-sandbox.ts';
import { raw } from '../../support/aml-clients.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { memoryImporter } from '../../support/memory-importer.ts';
import { memoryLocks } from '../../support/memory-locks.ts';
import { memoryRegistry } from '../../support/memory-registry.ts';
import type { MemoryRegistry } from '../../support/memory-registry.ts';
import { layerOf, tarArchive, tarOfFiles } from '../../support/tar-archive.ts';

const here = import.meta.dirname;
const at = (...parts: string[]): string => path.join(here, ...parts);
if (existsSync(at('SHA256SUMS'))) throw new Error('made already: golden files never change');

const toolVersion = '0.1.0';
const clock = manualClock('2026-11-02T09:00:00Z');
const minutes = (count: number): Promise<void> => clock.sleep(count * 60_000);
const progress = (): void => undefined;

// Keys and certificates.

const write = (name: string, text: string): string => {
  mkdirSync(path.dirname(at(name)), { recursive: true });
  writeFileSync(at(name), text, { mode: 0o600 });
  return at(name);
};
const release = await createSigningIdentity({
  subject: 'CN=release,O=Contoso,ST=Tokyo,C=JP',
  ca: { subject: 'CN=golden test CA,O=Contoso,ST=Tokyo,C=JP' },
  days: 3650,
  clock,
});
const receipt = await createLoneIdentity({
  subject: 'CN=receipt,O=Contoso,ST=Tokyo,C=JP',
  days: 3650,
  clock,
});
write('keys/release-ca.pem', release.ca.certificate);
const releaseSigner = await openFileSigner({
  keyFile: write('keys/release-test-key.pem', release.leaf.key),
  certificateFile: write('keys/release.pem', release.leaf.chain),
});
const receiptSigner = await openFileSigner({
  keyFile: write('keys/receipt-test-key.pem', receipt.key),
  certificateFile: write('keys/receipt.pem', receipt.certificate),
});
await minutes(10);

// What is there before: a base image and a vendor's image, in a registry of somebody else.

const source = memoryRegistry('registry.example');
const baseTar = tarOfFiles({
  'etc/os-release': 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
  'etc/passwd': 'root:x:0:0::/root:/bin/sh\nchurn:x:1000:1000::/app:/bin/sh\n',
  'var/lib/dpkg/status': [
    'Package: python3.11-minimal\nStatus: install ok installed\nSource: python3.11\nArchitecture: amd64\nVersion: 3.11.2-6+deb12u8\n',
    'Package: zlib1g\nStatus: install ok installed\nSource: zlib\nArchitecture: amd64\nVersion: 1:1.2.13.dfsg-1\n',
  ].join('\n'),
});

function putImage(
  repository: string,
  tars: readonly Buffer[],
  platform: { readonly architecture: string; readonly variant?: string },
): Descriptor {
  const layers = tars.map((tar) => layerOf(tar));
  for (const { blob, descriptor } of layers) source.putBlob(repository, blob, descriptor.mediaType);
  const config = source.putBlob(
    repository,
    JSON.stringify({
      ...platform,
      os: 'linux',
      config: { User: 'churn', Cmd: ['/bin/sh'] },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    }),
    mediaTypes.ociConfig,
  );
  const manifest = encodeManifest({
    mediaType: mediaTypes.ociManifest,
    config,
    layers: layers.map(({ descriptor }) => descriptor),
  });
  return { ...source.putManifest(repository, manifest), platform: { os: 'linux', ...platform } };
}

function putIndex(repository: string, tag: string, manifests: readonly Descriptor[]): Digest {
  const index = encodeManifest({ mediaType: mediaTypes.ociIndex, manifests });
  return source.putManifest(repository, index, tag).digest;
}

const base = putIndex('mirror/python', '3.11', [
  putImage('mirror/python', [baseTar], { architecture: 'amd64' }),
]);
const scoreLayer = (architecture: string): Buffer =>
  tarOfFiles({ 'app/score.py': `print("scoring on ${architecture}")\n` });
const score = putIndex('mirror/churn-score', '1.0', [
  putImage('mirror/churn-score', [baseTar, scoreLayer('arm64')], { architecture: 'arm64', variant: 'v8' }),
  putImage('mirror/churn-score', [baseTar, scoreLayer('amd64')], { architecture: 'amd64' }),
]);
for (const [digest, file] of [
  [base, 'churn-train-1.4.0.yaml'],
  [base, 'churn-train-1.4.1.yaml'],
  [base, 'churn-train-1.5.0.yaml'],
  [score, 'churn-score.yaml'],
] as const) {
  if (!readFileSync(at('manifests/images', file), 'utf8').includes(digest))
    throw new Error(`${file} must name ${digest}`);
}

// An engine that can do one thing: `FROM base`, `COPY root/ /`, `USER`, `CMD`, as the Dockerfiles of the images say.

function goldenEngine(): Engine {
  const archives = new Map<string, Buffer>();
  let builds = 0;
  return {
    version: async () => ({ name: 'golden test engine', version: '1' }),
    inspect: async () => undefined,
    build: async (request) => {
      builds += 1;
      const layers = [baseTar, tarOfFiles(await filesUnder('root/', request.context()))];
      const diffIds = layers.map((layer) => sha256(layer));
      const config = Buffer.from(
        JSON.stringify({
          architecture: 'amd64',
          os: 'linux',
          created: new Date(Date.UTC(2026, 10, 2, 9, 0, builds)).toISOString(),
          container: String(builds),
          config: { User: 'churn', Cmd: ['python3', '/app/train.py'], Labels: request.labels },
          rootfs: { type: 'layers', diff_ids: diffIds },
          history: [
            { created_by: 'base' },
            { created_by: 'COPY root/ /' },
            { created_by: 'USER churn', empty_layer: true },
            { created_by: 'CMD ["python3" "/app/train.py"]', empty_layer: true },
          ],
        }),
      );
      const id = sha256(config);
      archives.set(
        id,
        tarArchive(
          ...layers.map((content, index) => ({ name: `${String(index)}/layer.tar`, content })),
          { name: `${hexOf(id)}.json`, content: config },
          {
            name: 'manifest.json',
            content: JSON.stringify([
              { Config: `${hexOf(id)}.json`, RepoTags: null, Layers: ['0/layer.tar', '1/layer.tar'] },
            ]),
          },
        ),
      );
      const image: EngineImage = {
        id,
        platform: { os: 'linux', architecture: 'amd64' },
        repoDigests: [],
        diffIds,
        sizeBytes: 1024,
      };
      return image;
    },
    save: async (id) => Readable.from([archives.get(id) ?? Buffer.alloc(0)], { objectMode: false }),
  };
}

async function filesUnder(folder: string, context: Readable): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  const unpack = extract();
  context.pipe(unpack);
  for await (const entry of unpack) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const { name, type } = entry.header;
    if (type === 'file' && name.startsWith(folder)) files[name.slice(folder.length)] = Buffer.concat(chunks);
  }
  return files;
}

// The two sides.

const dev = memoryRegistry('contosodev.azurecr.io');
const sec = memoryRegistry('contososec.azurecr.io');
const locks = memoryLocks(sec);
const engine = goldenEngine();
const outside = createOutside(await loadPolicy(at('manifests/outside/policy.yaml')), {
  store: async () => openStore(at('store')),
  registry: async () => dev,
  engine: async () => engine,
  scanner: async () =>
    createBuiltinScanner({
      databaseDir: at('advisories'),
      cacheDir: at('cache'),
      clock,
      version: toolVersion,
    }),
  signer: async () => releaseSigner,
  clock,
  progress,
  sources: async () => source,
  git: async () => ({ repository: 'https://git.example/churn', commit: 'c'.repeat(40), dirty: false }),
  identity: 'https://ci.example/run/7',
  sourceDateEpoch: Date.parse('2026-11-01T00:00:00Z') / 1000,
});

const teardowns: (() => unknown)[] = [];
const sandbox = await startAmlSandbox({
  teardown: (work: () => unknown) => void teardowns.push(work),
} as unknown as ExecutionContext);
const notNeeded = {} as never;
const inside = createInside(
  await loadZones(at('manifests/inside/zones.yaml')),
  await loadPolicy(at('manifests/inside/policy.yaml')),
  {
    registry: async () => locks.registry,
    importer: async () => memoryImporter(dev, sec),
    locks: async () => locks,
    signer: async () => receiptSigner,
    workspace: async () => ({
      environments: createEnvironments({
        credential: sandbox.credential(),
        agent: sandbox.agent(),
        workspaceId: workspace.id,
      }),
      jobs: notNeeded,
      datastore: notNeeded,
    }),
    clock,
    progress,
    toolVersion,
  },
);

// What happened.

const environments: Record<string, unknown> = {};

async function released(manifest: string, nameSuffix = ''): Promise<ReleaseDocument> {
  await minutes(10);
  const spec = await loadImage(at('manifests/images', `${manifest}.yaml`));
  const { release: report } = await promoteOutside(outside, spec);
  const { document } = report;
  await writeReleaseFile(at('releases', `${document.name}-${document.version}${nameSuffix}.json`), document);
  await minutes(10);
  return document;
}

async function admitted(document: ReleaseDocument): Promise<void> {
  await inside.import(document);
  await minutes(1);
  await inside.register(document, {});
  const place = `/environments/${document.name}/versions/${document.version}`;
  const answer = await raw(sandbox, place);
  environments[place] = answer.body;
}

await admitted(await released('churn-train-1.4.0'));
const refused = await inside.import(await released('churn-train-1.4.1')).catch((error: unknown) => error);
if (!(refused instanceof AmlpromoteError) || refused.code !== 'POLICY_REFUSED') throw refused;
await admitted(await released('churn-train-1.5.0'));
// 0.1.0 gives an image that is scanned again under another database a second index with the same counter, and inside
// admits it too: the locked tag moves. Later versions do not, but have to live with registries where that happened.
await admitted(await released('churn-score', '-first'));
writeFileSync(
  at('advisories/PyPI/GOLDEN-0004.json'),
  readFileSync(at('advisories/PyPI/GOLDEN-0003.json'), 'utf8')
    .replace('GOLDEN-0003', 'GOLDEN-0004')
    .replace('leaky-loader', 'not-installed-anywhere'),
);
await admitted(await released('churn-score'));
for (const work of teardowns) await work();

// To disk.

/** One OCI image layout for each repository; in index.json every manifest in order of arrival, with each of its tags. */
async function writeLayout(registry: MemoryRegistry, name: string, directory: string): Promise<void> {
  const repository = registry.repository(name);
  const blobs = path.join(directory, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const tagged = new Map<Digest, string[]>();
  for (const tag of await repository.tags()) {
    const { digest } = (await repository.resolve(tag))!;
    tagged.set(digest, [...(tagged.get(digest) ?? []), tag]);
  }
  const manifests: unknown[] = [];
  const save = (digest: Digest, bytes: Uint8Array): void =>
    writeFileSync(path.join(blobs, hexOf(digest)), bytes);
  for (const digest of registry.manifests(name)) {
    const content = (await repository.manifest(digest)) as ManifestContent;
    save(digest, content.bytes);
    for (const child of childrenOf(content)) {
      if (isIndexType(child.mediaType) || isImageManifestType(child.mediaType)) continue;
      const chunks: Buffer[] = [];
      for await (const chunk of await repository.blob(child)) chunks.push(chunk as Buffer);
      save(child.digest, Buffer.concat(chunks));
    }
    const { mediaType, size } = content.descriptor;
    const { artifactType } = JSON.parse(Buffer.from(content.bytes).toString('utf8')) as {
      artifactType?: string;
    };
    const entry = { mediaType, digest, size, ...(artifactType === undefined ? {} : { artifactType }) };
    const names = tagged.get(digest) ?? [];
    if (names.length === 0) manifests.push(entry);
    for (const tag of names)
      manifests.push({ ...entry, annotations: { 'org.opencontainers.image.ref.name': tag } });
  }
  writeFileSync(path.join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
  writeFileSync(path.join(directory, 'index.json'), `${JSON.stringify(index, undefined, 1)}\n`);
}

for (const name of ['mirror/python', 'mirror/churn-score'])
  await writeLayout(source, name, at('registries/source', name));
for (const name of ['ml/churn-train', 'ml/churn-score']) {
  await writeLayout(dev, name, at('registries/outside', name));
  await writeLayout(sec, name, at('registries/inside', name));
  await writeLayout(sec, quarantineOf(name), at('registries/inside', quarantineOf(name)));
}
writeFileSync(at('registries/inside/locked.txt'), `${[...locks.locked].sort().join('\n')}\n`);
mkdirSync(at('workspace'), { recursive: true });
writeFileSync(at('workspace/environments.json'), `${JSON.stringify(environments, undefined, 2)}\n`);
// Of processes, not of the store; they are made when they are needed.
for (const name of ['locks', 'sessions', 'tmp', 'corrupt'])
  rmSync(at('store', name), { recursive: true, force: true });

const files = readdirSync(here, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => path.relative(here, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
  .filter((name) => name !== 'SHA256SUMS')
  .sort();
writeFileSync(
  at('SHA256SUMS'),
  files.map((name) => `${hexOf(sha256(readFileSync(at(name))))}  ${name}\n`).join(''),
);
