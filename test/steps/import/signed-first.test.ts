import test from 'ava';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import type { ErrorCode } from '../../../src/domain/errors.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { saysSubjectMissing } from '../../../src/domain/subject-missing.ts';
import { pushArtifact } from '../../../src/evidence/artifact.ts';
import { signNotation } from '../../../src/evidence/notation.ts';
import { createRegistryRoute } from '../../../src/oci/registry-route.ts';
import { importWorld, keysAndPolicy, quarantine, repository } from '../../support/import-world.ts';
import type { ImportWorld } from '../../support/import-world.ts';
import { pushImage, testPolicy } from '../../support/signed-release.ts';
import type { SignedRelease } from '../../support/signed-release.ts';

const { identities, policy } = await keysAndPolicy();

test('threat 48: the signatures are asked for first, then the index, then the rest', async (t) => {
  const world = await importWorld({ dropChildren: true });
  const { document, image, index, parts } = await world.release();
  await world.import(document);
  t.deepEqual(world.importer.requests.slice(0, 2), [document.signatures[0]!, index.digest]);
  t.deepEqual(
    [...world.importer.requests.slice(2)].sort(),
    [
      ...Object.values(parts).map(({ digest }) => digest),
      ...(world.importer.requests.includes(image.digest) ? [image.digest] : []),
    ].sort(),
  );
});

/** Releases that no signer of the inside policy vouches for. */
const unsigned: readonly [string, ErrorCode, (world: ImportWorld) => Promise<SignedRelease['document']>][] = [
  [
    'signed by a stranger of the same name',
    'SIGNATURE_INVALID',
    async (world) => (await world.release({ signers: { index: identities.strangerSigner } })).document,
  ],
  [
    'another index than the signed one',
    'SIGNATURE_INVALID',
    async (world) => {
      const { document } = await world.release();
      const other = await world.release({ flavour: 'evil', signers: { index: null } });
      return { ...document, index: other.document.index };
    },
  ],
  [
    'another size than the signed one',
    'SIGNATURE_INVALID',
    async (world) => {
      const { document } = await world.release();
      return { ...document, index: { ...document.index, size: document.index.size + 1 } };
    },
  ],
  [
    'a signature of the image, not of the index',
    'SIGNATURE_INVALID',
    async (world) => {
      const { document, parts } = await world.release();
      return { ...document, signatures: [parts.signature!.digest] };
    },
  ],
  [
    'a signature that is not at the source',
    'LISTED_CONTENT_MISSING',
    async (world) => {
      const { document } = await world.release();
      world.dev.drop(document.signatures[0]!);
      return document;
    },
  ],
];

for (const [title, code, make] of unsigned) {
  for (const route of ['acr-import', 'registry'] as const) {
    test(`threat 48: nothing but signatures is carried by ${route}: ${title}`, async (t) => {
      const world = await importWorld();
      const document = await make(world);
      const importer = route === 'registry' ? createRegistryRoute(world.dev, world.sec) : world.importer;
      const error = await t.throwsAsync(world.import(document, { importer }), {
        instanceOf: AmlpromoteError,
      });
      t.is(error.code, code, error.message);
      for (const digest of world.sec.manifests(quarantine)) t.true(document.signatures.includes(digest));
      t.deepEqual(world.sec.manifests(repository), []);
    });
  }
}

test('a refusal tells what it left in quarantine, and how to be rid of it', async (t) => {
  const world = await importWorld();
  const strict = await testPolicy(identities, {
    trust: policy.trust,
    image: { maxSize: '1MB', runAsRoot: false },
  }).catch(() => policy);
  const { document, index } = await world.release({ signers: { sbom: null } });
  const error = await t.throwsAsync(world.import(document, {}, strict), { instanceOf: AmlpromoteError });
  t.is(error.exitCode, 10);
  t.regex(
    error.message,
    new RegExp(`left in ${quarantine}, where nothing uses it: the index ${index.digest}, 1 of what`),
  );
  t.regex(error.nextSteps.join(' '), /import --discard/);
  // What was never there is not told.
  const elsewhere = await importWorld();
  const missing = await elsewhere.release();
  elsewhere.dev.drop(missing.document.signatures[0]!);
  const told = await t.throwsAsync(elsewhere.import(missing.document), { instanceOf: AmlpromoteError });
  t.notRegex(told.message, /left in/);
});

test('threat 48: junk that release.json calls a signature is not carried where the route can look', async (t) => {
  const world = await importWorld();
  const { document, parts } = await world.release();
  const dev = world.dev.repository(repository);
  const image = await pushImage(dev, 'evil');
  const large = world.dev.putBlob(repository, Buffer.alloc(600 * 1024));
  const content = (await dev.manifest(image.digest))!;
  const signed = {
    ...document,
    signatures: [large.digest, parts.sbom!.digest, document.index.digest, document.signatures[0]!],
  };
  const importer = createRegistryRoute(world.dev, world.sec);
  t.is((await world.import(signed, { importer })).verification.verdict, 'allowed');
  t.truthy(content);
  t.is(await world.final.resolve(image.digest), undefined);
});

test('a signature that is not needed may be missing', async (t) => {
  const world = await importWorld();
  const { document, index } = await world.release();
  const second = await signNotation(index, identities.strangerSigner, world.clock.now());
  await pushArtifact(world.dev.repository(repository), second);
  world.dev.drop(second.manifest.descriptor.digest);
  const named = { ...document, signatures: [second.manifest.descriptor.digest, ...document.signatures] };
  t.is((await world.import(named)).verification.verdict, 'allowed');
});

test('a service that takes no signature before its subject gets the index first, and nothing else before the verdict', async (t) => {
  const world = await importWorld({ subjectFirst: true, dropChildren: 'all' });
  const good = await world.release();
  t.is((await world.import(good.document)).verification.verdict, 'allowed');
  t.deepEqual(world.importer.requests.slice(0, 3), [
    good.document.signatures[0]!,
    good.index.digest,
    good.document.signatures[0]!,
  ]);
  const other = await importWorld({ subjectFirst: true, dropChildren: 'all' });
  const { document, index } = await other.release({ signers: { index: identities.strangerSigner } });
  const error = await t.throwsAsync(other.import(document), { instanceOf: AmlpromoteError });
  t.is(error.code, 'SIGNATURE_INVALID');
  t.deepEqual([...other.sec.manifests(quarantine)].sort(), [index.digest, ...document.signatures].sort());
});

test('the registry route tells a registry that wants the subject first from every other failure', async (t) => {
  const world = await importWorld();
  const { document } = await world.release();
  const request = {
    sourceRepository: repository,
    targetRepository: quarantine,
    content: { mediaType: mediaTypes.ociManifest, digest: document.signatures[0]!, size: 0 },
    progress: () => undefined,
  };
  const route = createRegistryRoute(world.dev, world.sec);
  const answer = (message: string): void =>
    world.sec.fail(1, new AmlpromoteError('OPERATION_FAILED', message), 'pushManifest');
  answer('MANIFEST_UNKNOWN: subject manifest not found');
  t.is(await route.carry(request), 'needs-subject');
  answer('MANIFEST_BLOB_UNKNOWN: config not found');
  await t.throwsAsync(route.carry(request), { message: /BLOB_UNKNOWN/ });
});

for (const [text, expected] of [
  ['manifest unknown: subject sha256:a', true],
  ['the subject of the manifest does not exist', true],
  ['manifest unknown: ml/subject@sha256:a was not found', false],
  ['the subscription was not found', false],
  ['subject to throttling', false],
] as const) {
  test(`"${text}" ${expected ? 'asks for' : 'says nothing of'} the subject`, (t) => {
    t.is(saysSubjectMissing(text, 'ml/subject'), expected);
  });
}
