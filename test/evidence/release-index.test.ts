import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { annotations, mediaTypes } from '../../src/domain/media-types.ts';
import type { Release, ReleaseRole } from '../../src/domain/release.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { encodeReleaseIndex, parseReleaseIndex } from '../../src/evidence/release-index.ts';
import { encodeManifest } from '../../src/oci/manifest.ts';

const part = (text: string) => ({
  mediaType: mediaTypes.ociManifest,
  digest: sha256(text),
  size: text.length,
});
const image = { ...part('image'), platform: { os: 'linux', architecture: 'amd64' } };
const base: Omit<Release, 'index'> = {
  name: 'churn-train',
  version: '1.4.0',
  release: 7,
  repository: 'ml/churn-train',
  image,
  evidence: [
    { role: 'scan', descriptor: part('scan') },
    { role: 'sbom', descriptor: part('sbom') },
  ],
};

test('what goes in comes out', (t) => {
  const content = encodeReleaseIndex(base);
  const release = parseReleaseIndex(content);
  t.is(release.index.digest, content.descriptor.digest);
  t.like(release, { name: 'churn-train', version: '1.4.0', release: 7, repository: 'ml/churn-train' });
  t.is(release.image.digest, image.digest);
  t.deepEqual(release.image.platform, image.platform);
  t.deepEqual(
    release.evidence.map((item) => [item.role, item.descriptor.digest]),
    [
      ['sbom', sha256('sbom')],
      ['scan', sha256('scan')],
    ],
  );
});

test('the digest does not depend on the order of the parts', (t) => {
  const other = encodeReleaseIndex({ ...base, evidence: [...base.evidence].reverse() });
  t.is(other.descriptor.digest, encodeReleaseIndex(base).descriptor.digest);
});

test('it is a plain index: no artifactType anywhere, for some copiers refuse one', (t) => {
  const text = Buffer.from(encodeReleaseIndex(base).bytes).toString();
  t.false(text.includes('artifactType'));
  t.false(text.includes('subject'));
});

const listed = (text: string, role?: ReleaseRole) => ({
  ...part(text),
  annotations: role ? { [annotations.role]: role } : {},
});
const about = {
  [annotations.name]: 'a',
  [annotations.version]: '1',
  [annotations.release]: '1',
  [annotations.repository]: 'ml/a',
};

const refuses = test.macro(
  (t, manifests: ReturnType<typeof listed>[], message: RegExp, more: Record<string, string> = {}) => {
    const content = encodeManifest({
      mediaType: mediaTypes.ociIndex,
      manifests,
      annotations: { ...about, ...more },
    });
    const error = t.throws(() => parseReleaseIndex(content), { instanceOf: AmlpromoteError });
    t.is(error.code, 'CONTENT_INVALID');
    t.regex(error.message, message);
  },
);
test('no image', refuses, [listed('a', 'sbom')], /exactly one image/);
test('two images', refuses, [listed('a', 'image'), listed('b', 'image')], /exactly one image/);
test('a part without a role', refuses, [listed('a', 'image'), listed('b')], /no known dev.amlpromote.role/);
test('a digest twice', refuses, [listed('a', 'image'), listed('a', 'sbom')], /lists a digest twice/);
test('a name with a dot', refuses, [listed('a', 'image')], /dev.amlpromote.name/, {
  [annotations.name]: 'a.b',
});
test('a counter of zero', refuses, [listed('a', 'image')], /dev.amlpromote.release/, {
  [annotations.release]: '0',
});
test('a reserved tag as version', refuses, [listed('a', 'image')], /dev.amlpromote.version/, {
  [annotations.version]: 'release-3',
});
for (const repository of ['quarantine/ml/a', 'amlpromote/trust'])
  test(`a repository of the tool's own: ${repository}`, refuses, [listed('a', 'image')], /repository/, {
    [annotations.repository]: repository,
  });

test('a version that version 0.1.0 could give stays readable, although it is reserved by now', (t) => {
  for (const version of ['p-1', 'receipt-7', 'records', 'posture', 'revocations'])
    t.is(parseReleaseIndex(encodeReleaseIndex({ ...base, version })).version, version);
});
