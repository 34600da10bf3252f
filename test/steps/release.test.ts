import test from 'ava';
import type { Descriptor } from '../../src/domain/descriptor.ts';
import type { Digest } from '../../src/domain/digest.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ProgressEvent } from '../../src/domain/events.ts';
import { mediaTypes } from '../../src/domain/media-types.ts';
import type { Release } from '../../src/domain/release.ts';
import { readCarriedManifest } from '../../src/evidence/carried-manifest.ts';
import { parseReleaseIndex } from '../../src/evidence/release-index.ts';
import { encodeManifest } from '../../src/oci/manifest.ts';
import { release } from '../../src/steps/release.ts';
import type { ReleaseInput } from '../../src/steps/release.ts';
import { memoryRegistry } from '../support/memory-registry.ts';

const repository = 'ml/churn-train';

function setUp() {
  const registry = memoryRegistry('contosodev.azurecr.io');
  const put = (name: string): Descriptor => {
    const config = registry.putBlob(repository, `{"config":"${name}"}`, mediaTypes.ociConfig);
    return registry.putManifest(
      repository,
      encodeManifest({ mediaType: mediaTypes.ociManifest, config, layers: [] }),
    );
  };
  const events: ProgressEvent[] = [];
  const signed = new Set<Digest>();
  const input = (image: Descriptor, version = '1.4.0', more: Partial<ReleaseInput> = {}): ReleaseInput => ({
    image,
    carried: {
      manifest: {
        apiVersion: 'amlpromote/v1',
        kind: 'CarriedManifest',
        name: 'churn-train',
        version,
        repository,
        environment: { tags: { team: 'churn' }, uses: ['batch-training'] },
        smoke: {
          command: 'python train.py --data ${{inputs.data}}',
          inputs: { data: { type: 'uri_file', file: 'churn.csv', layer: 0 } },
          outputs: {},
          timeoutSeconds: 600,
        },
      },
      inputs: [Buffer.from('a,b\n1,2\n')],
    },
    evidence: (['signature', 'sbom', 'scan', 'provenance'] as const).map((role) => ({
      role,
      descriptor: put(`${role} of ${image.digest}`),
    })),
    ...more,
  });
  const run = async (what: ReleaseInput) =>
    await release(what, {
      host: registry.host,
      target: registry.repository(repository),
      signIndex: async (index) => {
        signed.add(index.digest);
        return { signatures: [put(`signature of ${index.digest}`).digest], already: true };
      },
      isSigned: async ({ digest }) => signed.has(digest),
      lockTag: async () => true,
      clock: { now: () => new Date(), sleep: async () => undefined },
      progress: (event) => void events.push(event),
    });
  return { registry, put, input, run, events, signed };
}

test('a release lists image, evidence and image manifest, and counts up', async (t) => {
  const { registry, put, input, run } = setUp();
  const image = put('image');
  const first = await run(input(image));
  t.like(first.document, {
    registry: 'contosodev.azurecr.io',
    repository,
    name: 'churn-train',
    version: '1.4.0',
    release: 1,
  });
  t.false(first.already);
  const content = await registry.repository(repository).manifest('release-1');
  const index: Release = parseReleaseIndex(content!);
  t.is(index.index.digest, first.document.index.digest);
  t.is(index.index.size, first.document.index.size);
  t.deepEqual(
    index.evidence.map((item) => item.role),
    ['image-manifest', 'signature', 'sbom', 'scan', 'provenance'],
  );
  const carried = index.evidence.find((item) => item.role === 'image-manifest');
  const read = await readCarriedManifest(registry.repository(repository), carried!.descriptor);
  t.is(read.manifest.smoke?.timeoutSeconds, 600);
  t.is(Buffer.from(read.inputs[0]!).toString(), 'a,b\n1,2\n');
  t.is(read.subject?.digest, image.digest);

  const again = await run(input(image));
  t.true(again.already);
  t.deepEqual(again.document, first.document);

  const second = await run(input(put('image 2'), '1.5.0'));
  t.is(second.document.release, 2);
});

test('fresh evidence of the same image is another index: the next counter, and no tag moves', async (t) => {
  const { registry, put, input, run } = setUp();
  const image = put('image');
  const first = await run(input(image));
  const fresh = input(image);
  const second = await run({
    ...fresh,
    evidence: [...fresh.evidence.slice(0, 3), { role: 'provenance', descriptor: put('newer') }],
  });
  t.is(second.document.release, 2);
  const repo = registry.repository(repository);
  t.is((await repo.resolve('release-1'))?.digest, first.document.index.digest);
  t.is((await repo.resolve('release-2'))?.digest, second.document.index.digest);
});

test('a version is never reused for another image', async (t) => {
  const { put, input, run } = setUp();
  await run(input(put('image')));
  const error = await t.throwsAsync(run(input(put('image 2'))), { instanceOf: AmlpromoteError });
  t.is(error.code, 'VERSION_CONFLICT');
});

test('the counter that the image manifest asks for', async (t) => {
  const { put, input, run } = setUp();
  const image = put('image');
  t.is((await run(input(image, '1.4.0', { counter: 7 }))).document.release, 7);
  t.is((await run(input(image, '1.4.0', { counter: 7 }))).document.release, 7);
  const error = await t.throwsAsync(run(input(put('image 2'), '1.5.0', { counter: 7 })), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'TAG_CONFLICT');
  t.is((await run(input(put('image 3'), '1.6.0'))).document.release, 8);
});

test('without evidence there is nothing to release', async (t) => {
  const { put, input, run } = setUp();
  const whole = input(put('image'));
  const error = await t.throwsAsync(run({ ...whole, evidence: whole.evidence.slice(0, 2) }), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'NOT_FOUND');
  t.regex(error.message, /no scan, provenance/);
});
