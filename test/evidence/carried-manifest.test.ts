import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { mediaTypes } from '../../src/domain/media-types.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { pushArtifact } from '../../src/evidence/artifact.ts';
import { encodeCarriedManifest, readCarriedManifest } from '../../src/evidence/carried-manifest.ts';
import type { CarriedManifest } from '../../src/evidence/carried-manifest.ts';
import { memoryRegistry } from '../support/memory-registry.ts';

const image = { mediaType: mediaTypes.ociManifest, digest: sha256('image'), size: 5 };
const manifest: CarriedManifest = {
  apiVersion: 'amlpromote/v1',
  kind: 'CarriedManifest',
  name: 'churn',
  version: '1',
  repository: 'ml/churn',
  environment: { tags: {}, uses: [] },
  smoke: {
    command: 'run ${{inputs.data}}',
    inputs: { data: { type: 'uri_file', file: 'data.csv', layer: 0 } },
    outputs: {},
    timeoutSeconds: 60,
  },
};

async function readBack(inputs: readonly Uint8Array[], changed: unknown = manifest) {
  const repository = memoryRegistry().repository('ml/churn');
  const artifact = encodeCarriedManifest(changed as CarriedManifest, inputs, image);
  await pushArtifact(repository, artifact);
  return await readCarriedManifest(repository, artifact.manifest.descriptor);
}

const refuses = test.macro(
  async (t, inputs: readonly Uint8Array[], message: RegExp, changed: unknown = manifest) => {
    const error = await t.throwsAsync(readBack(inputs, changed), { instanceOf: AmlpromoteError });
    t.is(error.code, 'CONTENT_INVALID');
    t.regex(error.message, message);
  },
);

test('what goes in comes out, bytes included', async (t) => {
  const read = await readBack([Buffer.from('a,b')]);
  t.deepEqual(read.manifest, manifest);
  t.is(Buffer.from(read.inputs[0]!).toString(), 'a,b');
  t.is(read.subject?.digest, image.digest);
});

test('an input without its bytes', refuses, [], /smoke input data\.csv has no content/);
test(
  'an input that is too large',
  refuses,
  [Buffer.alloc(1024 * 1024 + 1)],
  /larger|more than|exceeds|1048576/i,
);
test(
  'threat 17: endless inputs',
  refuses,
  Array.from({ length: 65 }, (_, index) => Buffer.from(String(index))),
  /more than 64 smoke inputs/,
);
test('unknown key', refuses, [Buffer.from('x')], /hidden/, { ...manifest, hidden: true });
test('a name that Azure ML does not take', refuses, [Buffer.from('x')], /name/, { ...manifest, name: 'a.b' });
test('an input name that would leave its folder', refuses, [Buffer.from('x')], /smoke/, {
  ...manifest,
  smoke: { ...manifest.smoke, inputs: { data: { type: 'uri_file', file: '../x', layer: 0 } } },
});
