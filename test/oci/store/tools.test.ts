import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { encodeManifest } from '../../../src/oci/manifest.ts';
import { storeError } from '../../../src/oci/store/files.ts';
import { openStore } from '../../../src/oci/store/store.ts';
import { findTool, needing } from '../../support/tools.ts';
import { pushImage, temporaryDirectory } from './support.ts';

const skopeo = findTool('skopeo') ?? '';
needing('skopeo')('skopeo reads our layout by repository:tag', async (t) => {
  const directory = temporaryDirectory(t);
  const repository = (await openStore(directory)).repository('ml/churn-train');
  const image = await pushImage(repository, ['layer'], { tag: '1.4.0' });
  await pushImage(repository, ['sig'], { subject: image.descriptor, artifactType: 'application/x-sig' });
  await repository.pushManifest(
    encodeManifest({ mediaType: mediaTypes.ociIndex, manifests: [image.descriptor] }),
    'release-1',
  );
  const inspect = (name: string): Buffer =>
    execFileSync(skopeo, ['inspect', '--raw', `oci:${directory}:ml/churn-train:${name}`]);
  t.deepEqual(inspect('1.4.0'), Buffer.from(image.bytes));
  t.true(inspect('release-1').includes(image.descriptor.digest));
});

const orasProgram = findTool('oras') ?? '';
needing('oras')('oras reads our layout by digest, with its referrers', async (t) => {
  const directory = temporaryDirectory(t);
  const repository = (await openStore(directory)).repository('ml/churn-train');
  const image = await pushImage(repository, ['layer'], { tag: '1.4.0' });
  const signature = await pushImage(repository, ['sig'], {
    subject: image.descriptor,
    artifactType: 'application/x-sig',
  });
  const oras = (...args: string[]): string => execFileSync(orasProgram, args, { encoding: 'utf8' });
  const byDigest = `${directory}@${image.descriptor.digest}`;
  t.true(
    oras('discover', '--oci-layout', '--format', 'json', byDigest).includes(signature.descriptor.digest),
  );
});

/** A file system of 256 KiB, in a mount namespace of its own: nothing is mounted on the machine. */
const canMount =
  spawnSync(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', '-c', 'mount -t tmpfs -o size=256k none /mnt'],
    {
      stdio: 'ignore',
    },
  ).status === 0;
needing({ name: 'unshare --mount', isHere: canMount })(
  'threat 42: a full disk is DISK_FULL and leaves no half blob',
  async (t) => {
    const directory = temporaryDirectory(t);
    mkdirSync(join(directory, 'small'));
    const module = new URL('../../../src/oci/store/store.ts', import.meta.url).href;
    const support = new URL('support.ts', import.meta.url).href;
    const script = `
    const { openStore } = await import(${JSON.stringify(module)});
    const { descriptorOf, streamOf } = await import(${JSON.stringify(support)});
    const { readdirSync } = await import('node:fs');
    const bytes = Buffer.alloc(3_000_000, 'x');
    const repository = (await openStore(process.argv[1])).repository('a');
    const error = await repository.pushBlob(descriptorOf(bytes), async () => streamOf(bytes)).catch((caught) => caught);
    console.log(JSON.stringify({ code: error.code, tmp: readdirSync(process.argv[1] + '/tmp'), steps: error.nextSteps.length }));
  `;
    const output = execFileSync('unshare', [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      'mount -t tmpfs -o size=256k none "$2" && exec "$0" --input-type=module --eval "$1" "$2"',
      process.execPath,
      script,
      join(directory, 'small'),
    ]);
    t.deepEqual(JSON.parse(output.toString()), { code: 'DISK_FULL', tmp: [], steps: 2 });
  },
);

for (const [system, code] of [
  ['ENOSPC', 'DISK_FULL'],
  ['EDQUOT', 'DISK_FULL'],
  ['EROFS', 'FORBIDDEN'],
  ['EACCES', 'FORBIDDEN'],
  ['EIO', 'STORE_CORRUPT'],
  ['ENOTDIR', 'USAGE'],
] as const) {
  test(`what the file system says: ${system} is ${code}`, (t) => {
    const error = storeError(Object.assign(new Error('x'), { code: system }), '/some/store', 'write');
    if (!(error instanceof AmlpromoteError)) return t.fail();
    t.is(error.code, code);
    t.true(error.message.includes('/some/store'));
    t.true(error.nextSteps.length > 0);
  });
}

test('any other error passes as it is', (t) => {
  const own = new AmlpromoteError('INTEGRITY_MISMATCH', 'x');
  t.is(storeError(own, '/d', 'write'), own);
});
