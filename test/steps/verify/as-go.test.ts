import { loadTrust } from '../../../src/evidence/trust.ts';
import test from 'ava';
import type { Descriptor, ManifestContent } from '../../../src/domain/descriptor.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { silent } from '../../../src/domain/events.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { parseManifest } from '../../../src/oci/manifest.ts';
import { readDiffIds } from '../../../src/oci/walk/walk.ts';
import type { Repository } from '../../../src/ports/content.ts';
import { readPlatforms } from '../../../src/steps/verify/image.ts';
import { verifyImage, verifyRelease } from '../../../src/steps/verify.ts';
import { makeIdentities } from '../../support/identities.ts';
import { layerTar, pushChild } from '../../support/index-children.ts';
import { manualClock } from '../../support/manual-clock.ts';
import type { MemoryRegistry } from '../../support/memory-registry.ts';
import { memoryRegistry } from '../../support/memory-registry.ts';
import { pushImage, pushRelease, testPolicy } from '../../support/signed-release.ts';

const clock = manualClock('2026-11-21T12:00:00Z');
const identities = await makeIdentities(clock.now());
const policy = await testPolicy(identities);
const trust = await loadTrust(policy);
const ports = { clock, progress: silent };
const name = 'ml/churn-train';
const host = 'sec.azurecr.test';

const evil = { mediaType: mediaTypes.ociLayerGzip, digest: sha256(layerTar), size: layerTar.byteLength };

/** One image to this tool, as of 0.1.0; another to a container runtime. */
const twoFaced: readonly (readonly [
  string,
  (registry: MemoryRegistry, target: Repository) => Promise<Descriptor>,
])[] = [
  ['manifest: layer\u017f', (registry) => manifestWith(registry, { 'layer\u017f': [evil] })],
  ['manifest: Layers', (registry) => manifestWith(registry, { Layers: [evil] })],
  ['manifest: Config', (registry) => manifestWith(registry, { Config: evil })],
  ['layer: dige\u017ft', (registry) => manifestWith(registry, {}, { 'dige\u017ft': evil.digest })],
  ['layer: \u017fize', (registry) => manifestWith(registry, {}, { '\u017fize': evil.size })],
  [
    'config: rootf\u017f',
    (_, target) => configWith(target, { 'rootf\u017f': { diff_ids: [sha256('evil')] } }),
  ],
  [
    'config: rootfs.Diff_ids',
    (_, target) => configWith(target, { rootfs: { diff_ids: [], Diff_ids: [sha256('evil')] } }),
  ],
  [
    'config: config.U\u017fer',
    (_, target) => configWith(target, { config: { User: '10001', 'U\u017fer': 'root' } }),
  ],
  [
    'config: config.Wor\u212aingDir',
    (_, target) => configWith(target, { config: { 'Wor\u212aingDir': '/evil' } }),
  ],
  ['config: config.entrypoint', (_, target) => configWith(target, { config: { entrypoint: ['/evil'] } })],
  ['config: O\u017f', (_, target) => configWith(target, { 'o\u017f': 'windows' })],
  [
    'config: a user that is half a character',
    (_, target) => configWith(target, { config: { User: '\ud800' } }),
  ],
];

async function configWith(target: Repository, more: object): Promise<Descriptor> {
  return pushChild(target, {
    config: {
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: [sha256(layerTar)] },
      ...more,
    },
  });
}

/** Put as it is: a client that checks would not push it. */
async function manifestWith(
  registry: MemoryRegistry,
  more: object,
  ofLayer: object = {},
): Promise<Descriptor> {
  const target = registry.repository(name);
  const honest = await target.manifest((await pushImage(target)).digest);
  registry.putBlob(name, layerTar);
  const body = JSON.parse(Buffer.from(honest!.bytes).toString()) as { layers: object[] };
  const layers = body.layers.map((layer) => ({ ...layer, ...ofLayer }));
  const bytes = Buffer.from(JSON.stringify({ ...body, layers, ...more }));
  const content: ManifestContent = {
    descriptor: { mediaType: mediaTypes.ociManifest, digest: sha256(bytes), size: bytes.byteLength },
    bytes,
  };
  return registry.putManifest(name, content);
}

for (const [title, make] of twoFaced) {
  test(`threat 5: an image with two faces is refused by verify, sign and scan: ${title}`, async (t) => {
    const registry = memoryRegistry(host);
    const content = registry.repository(name);
    const image = await make(registry, content);
    const { document } = await pushRelease(content, {
      now: clock.now(),
      signer: identities.releaseSigner,
      image,
    });
    const subject = { host, repository: name, content };
    t.is((await verifyRelease({ ...subject, document, trust }, ports)).verdict, 'refused');
    t.is((await verifyImage({ ...subject, image, trust }, ports)).verdict, 'refused');
    // What `sign` and `scan` begin with.
    await t.throwsAsync(readPlatforms(content, image), { code: 'CONTENT_INVALID' });
    const scanned = async (): Promise<unknown> => {
      const { config, layers } = parseManifest((await content.manifest(image.digest))!);
      return readDiffIds(content, config, layers.length);
    };
    await t.throwsAsync(scanned(), { instanceOf: AmlpromoteError, code: 'CONTENT_INVALID' });
  });
}
