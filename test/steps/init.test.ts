import { createPrivateKey, X509Certificate } from 'node:crypto';
import { copyFile, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { openFileSigner } from '../../src/adapters/signer/file.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { createLoneIdentity, createSigningIdentity } from '../../src/evidence/certificates.ts';
import { loadTrust } from '../../src/evidence/trust.ts';
import { loadImage } from '../../src/manifest/image.ts';
import { loadPolicy } from '../../src/manifest/policy.ts';
import { loadZones } from '../../src/manifest/zones.ts';
import type { InitReport } from '../../src/steps/init.ts';
import { initProject, writeSides } from '../../src/steps/init.ts';
import { requireTrustedSigner } from '../../src/steps/sign/gate.ts';
import { policyYaml } from '../support/manifest-samples.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

const input = (dir: string) => ({
  dir,
  organisation: { name: 'Contoso, Ltd.', state: 'Tokyo', country: 'JP' },
  clock: { now: () => new Date('2026-11-21T12:00:00Z') },
  createIdentities: { createSigningIdentity, createLoneIdentity },
});

async function initialised(t: ExecutionContext): Promise<{ dir: string; report: InitReport }> {
  const dir = path.join(await temporaryDirectory(t), 'project');
  return { dir, report: await initProject(input(dir)) };
}

const everything = [
  '.gitignore',
  'zones.yaml',
  'images/hello-batch.yaml',
  'images/hello-batch/Dockerfile',
  'images/hello-batch/hello.py',
  'outside/ca-key.pem',
  'outside/cert.pem',
  'outside/key.pem',
  'inside/cert.pem',
  'inside/key.pem',
  'outside/trust/release-ca.pem',
  'outside/trust/receipt.pem',
  'outside/policy.yaml',
  'inside/trust/release-ca.pem',
  'inside/trust/receipt.pem',
  'inside/policy.yaml',
];

const snapshot = async (dir: string): Promise<readonly (readonly [string, string])[]> =>
  Promise.all(everything.map(async (name) => [name, await readFile(path.join(dir, name), 'utf8')] as const));

test("init writes a project that loads as it is, but for the zones, which are a team's own", async (t) => {
  const { dir, report } = await initialised(t);
  t.deepEqual(report.written, everything);
  t.deepEqual(report.kept, []);
  t.is(report.directory, dir);
  t.like(await loadImage(path.join(dir, 'images/hello-batch.yaml')), {
    name: 'hello-batch',
    version: '1.0.0',
  });
  const zones = path.join(dir, 'zones.yaml');
  const error = await t.throwsAsync(loadZones(zones), { instanceOf: AmlpromoteError });
  t.is(error.code, 'MANIFEST_INVALID');
  const told = [
    ...error.message.matchAll(/zones\.yaml:\d+:\d+: ([\w.]+): is still the placeholder of init; put (.*)/g),
  ];
  t.deepEqual(
    told.map(([, at]) => at),
    [
      'zones.nonsensitive.registry.host',
      'zones.nonsensitive.registry.id',
      'zones.nonsensitive.access.tenant',
      'zones.sensitive.registry.host',
      'zones.sensitive.registry.id',
      'zones.sensitive.access.tenant',
      'zones.sensitive.workspaces.risk.id',
    ],
  );
  t.true(told.every(([, , what]) => /your (?:registry|tenant|workspace)/.test(what ?? '')));
  const filledIn = (await readFile(zones, 'utf8'))
    .replaceAll('00000000-0000-0000-0000-000000000000', '6f1d3f5e-8a51-4bb8-9d3c-1f7f5a2b7c11')
    .replaceAll('your-dev-registry', 'fabrikamdev')
    .replaceAll('your-sealed-registry', 'fabrikamsec');
  await writeFile(zones, filledIn);
  t.is((await loadZones(zones)).routes.length, 1);
  for (const side of ['outside', 'inside']) {
    const policy = await loadPolicy(path.join(dir, side, 'policy.yaml'));
    t.like(policy.scan, { failOn: 'high', unknown: 'inconclusive', maxAge: 14 * 86_400 });
    const trust = await loadTrust(policy);
    t.is(trust.signers[0]?.subject.find(({ type }) => type === 'O')?.value, 'Contoso, Ltd.');
  }
});

test('keys are for their owner only, and belong to their certificates, which the policies trust', async (t) => {
  const { dir } = await initialised(t);
  const read = async (name: string): Promise<string> => readFile(path.join(dir, name), 'utf8');
  for (const name of ['outside/key.pem', 'outside/ca-key.pem', 'inside/key.pem'])
    t.is((await stat(path.join(dir, name))).mode & 0o777, 0o600, name);
  for (const side of ['outside', 'inside']) {
    const leaf = new X509Certificate(await read(`${side}/cert.pem`));
    t.true(leaf.checkPrivateKey(createPrivateKey(await read(`${side}/key.pem`))), side);
  }
  const ca = new X509Certificate(await read('inside/trust/release-ca.pem'));
  t.true(new X509Certificate(await read('outside/cert.pem')).verify(ca.publicKey));
  t.is(
    new X509Certificate(await read('inside/trust/receipt.pem')).fingerprint256,
    new X509Certificate(await read('inside/cert.pem')).fingerprint256,
  );
});

test('running it again changes nothing, and says what was there', async (t) => {
  const { dir } = await initialised(t);
  const before = await snapshot(dir);
  const again = await initProject(input(dir));
  t.deepEqual(again.written, []);
  t.true(again.kept.includes('zones.yaml') && again.kept.includes('inside/policy.yaml'));
  t.deepEqual(await snapshot(dir), before);
});

test('what is missing is written again, to fit what is there', async (t) => {
  const { dir } = await initialised(t);
  const before = await snapshot(dir);
  // The CA key was put into a safe: it must not be made anew.
  for (const name of ['outside/ca-key.pem', 'inside/trust/release-ca.pem', 'zones.yaml'])
    await rm(path.join(dir, name));
  const again = await initProject(input(dir));
  t.deepEqual(again.written, ['zones.yaml', 'inside/trust/release-ca.pem']);
  await t.throwsAsync(stat(path.join(dir, 'outside/ca-key.pem')), { code: 'ENOENT' });
  const [, ca] = before.find(([name]) => name === 'inside/trust/release-ca.pem') ?? [];
  t.deepEqual([ca], [await readFile(path.join(dir, 'inside/trust/release-ca.pem'), 'utf8')]);
});

test('a file of the user is never overwritten, not even through a symbolic link', async (t) => {
  const dir = await temporaryDirectory(t, { 'zones.yaml': 'mine\n' });
  await symlink(path.join(dir, 'elsewhere'), path.join(dir, '.gitignore'));
  const { kept } = await initProject(input(dir));
  t.deepEqual(kept, ['.gitignore', 'zones.yaml']);
  t.is(await readFile(path.join(dir, 'zones.yaml'), 'utf8'), 'mine\n');
  await t.throwsAsync(stat(path.join(dir, 'elsewhere')), { code: 'ENOENT' });
});

for (const [side, name] of [
  ['outside', 'key.pem'],
  ['outside', 'cert.pem'],
  ['inside', 'key.pem'],
  ['inside', 'cert.pem'],
] as const)
  test(`half a key pair is named and left alone: ${side}/${name} is missing`, async (t) => {
    const { dir } = await initialised(t);
    await rm(path.join(dir, side, name));
    const error = await t.throwsAsync(initProject(input(dir)), { instanceOf: AmlpromoteError });
    t.is(error.code, 'KEY_MISSING');
    t.true(error.message.includes(`but not ${name}`));
    await t.throwsAsync(stat(path.join(dir, side, name)), { code: 'ENOENT' });
  });

test('a release key that is made anew is signed by the CA that the policies trust', async (t) => {
  const { dir } = await initialised(t);
  const text = (name: string): Promise<string> => readFile(path.join(dir, name), 'utf8');
  const [caKey, old] = [await text('outside/ca-key.pem'), await text('outside/cert.pem')];
  for (const name of ['key.pem', 'cert.pem']) await rm(path.join(dir, 'outside', name));
  const { written } = await initProject(input(dir));
  t.deepEqual(written, ['outside/cert.pem', 'outside/key.pem']);
  t.is(await text('outside/ca-key.pem'), caKey);
  const renewed = await text('outside/cert.pem');
  t.not(renewed, old);
  const ca = new X509Certificate(await text('inside/trust/release-ca.pem'));
  const leaf = new X509Certificate(renewed);
  t.true(leaf.verify(ca.publicKey) && leaf.checkIssued(ca));
  t.true(leaf.checkPrivateKey(createPrivateKey(await text('outside/key.pem'))));
});

test('a new key is never valid for longer than its CA', async (t) => {
  const clock = { now: () => new Date('2026-11-21T12:00:00Z') };
  const { ca } = await createSigningIdentity({
    subject: 'CN=release,O=Contoso,ST=Tokyo,C=JP',
    ca: { subject: 'CN=CA,O=Contoso,ST=Tokyo,C=JP', days: 10 },
    days: 5,
    clock,
  });
  const { leaf } = await createSigningIdentity({
    subject: 'CN=release,O=Contoso,ST=Tokyo,C=JP',
    ca,
    days: 30,
    clock,
  });
  t.is(new X509Certificate(leaf.chain).validTo, new X509Certificate(ca.certificate).validTo);
});

for (const { name, removed, message } of [
  {
    name: 'the CA key is in its safe',
    removed: ['outside/key.pem', 'outside/cert.pem', 'outside/ca-key.pem'],
    message: /ca-key\.pem is missing/,
  },
  {
    name: 'the CA certificate is gone',
    removed: [
      'outside/key.pem',
      'outside/cert.pem',
      'outside/trust/release-ca.pem',
      'inside/trust/release-ca.pem',
    ],
    message: /no trust\/release-ca\.pem/,
  },
  {
    name: 'the receipt key is gone, its pins are not',
    removed: ['inside/key.pem', 'inside/cert.pem'],
    message: /inside\/trust\/receipt\.pem and outside\/trust\/receipt\.pem pin one/,
  },
])
  test(`nothing is made that nobody would believe: ${name}`, async (t) => {
    const { dir } = await initialised(t);
    for (const file of removed) await rm(path.join(dir, file));
    const names = async (): Promise<readonly string[]> => (await readdir(dir, { recursive: true })).sort();
    const before = await names();
    const error = await t.throwsAsync(initProject(input(dir)), { instanceOf: AmlpromoteError, message });
    t.is(error.code, 'KEY_MISSING');
    t.deepEqual(await names(), before);
  });

for (const { name, change, message } of [
  {
    name: 'another organisation than that of the CA, which the policies name',
    change: { organisation: { name: 'Fabrikam', state: 'Tokyo', country: 'JP' } },
    message: /the release CA is .*Contoso/,
  },
  {
    name: 'the CA has expired',
    change: { clock: { now: () => new Date('2040-01-01T00:00:00Z') } },
    message: /expired on 2036/,
  },
])
  test(`no key is signed that nobody would believe: ${name}`, async (t) => {
    const { dir } = await initialised(t);
    for (const file of ['key.pem', 'cert.pem']) await rm(path.join(dir, 'outside', file));
    const error = await t.throwsAsync(initProject({ ...input(dir), ...change }), {
      instanceOf: AmlpromoteError,
      message,
    });
    t.is(error.code, 'KEY_MISSING');
    await t.throwsAsync(stat(path.join(dir, 'outside/key.pem')), { code: 'ENOENT' });
  });

test('what sign asks of a key holds for one that was made anew', async (t) => {
  const { dir } = await initialised(t);
  for (const file of ['key.pem', 'cert.pem']) await rm(path.join(dir, 'outside', file));
  await initProject(input(dir));
  const signer = await openFileSigner({
    keyFile: path.join(dir, 'outside/key.pem'),
    certificateFile: path.join(dir, 'outside/cert.pem'),
  });
  for (const side of ['outside', 'inside']) {
    const trust = await loadTrust(await loadPolicy(path.join(dir, side, 'policy.yaml')));
    await t.notThrowsAsync(requireTrustedSigner(signer, trust, input(dir).clock.now()), side);
  }
});

test('a CA key of another CA signs nothing', async (t) => {
  const { dir } = await initialised(t);
  const other = await initialised(t);
  for (const name of ['key.pem', 'cert.pem']) await rm(path.join(dir, 'outside', name));
  await copyFile(path.join(other.dir, 'outside/ca-key.pem'), path.join(dir, 'outside/ca-key.pem'));
  await t.throwsAsync(initProject(input(dir)), {
    instanceOf: AmlpromoteError,
    message: /is not the key of trust\/release-ca\.pem/,
  });
});

test('a CA that only one side trusts signs nothing', async (t) => {
  const { dir } = await initialised(t);
  const other = await initialised(t);
  for (const name of ['key.pem', 'cert.pem']) await rm(path.join(dir, 'outside', name));
  const ca = 'inside/trust/release-ca.pem';
  await copyFile(path.join(other.dir, ca), path.join(dir, ca));
  await t.throwsAsync(initProject(input(dir)), {
    instanceOf: AmlpromoteError,
    message: /are not the same/,
  });
  await t.throwsAsync(stat(path.join(dir, 'outside/key.pem')), { code: 'ENOENT' });
});

test('nothing temporary is left behind', async (t) => {
  const { dir } = await initialised(t);
  const names = await readdir(dir, { recursive: true });
  t.deepEqual(
    names.filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('the sides alone, with a policy of their own, comments kept', async (t) => {
  const dir = await temporaryDirectory(t);
  const policy = policyYaml.replace('kind: Policy', 'kind: Policy # ours');
  const { written } = await writeSides({ ...input(dir), policy });
  t.false(written.includes('zones.yaml'));
  const text = await readFile(path.join(dir, 'inside/policy.yaml'), 'utf8');
  t.true(text.includes('kind: Policy # ours'));
  t.is((await loadPolicy(path.join(dir, 'inside/policy.yaml'))).scan.exceptions.length, 1);
});

test('a directory that is a file', async (t) => {
  const dir = await temporaryDirectory(t);
  await writeFile(path.join(dir, 'file'), '');
  const error = await t.throwsAsync(initProject(input(path.join(dir, 'file'))), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'USAGE');
});

for (const [what, organisation] of [
  ['a country of three letters', { country: 'JPN' }],
  ['an organisation that is too long', { name: 'x'.repeat(65) }],
  ['an organisation of two lines', { name: 'a\nb' }],
  ['a state of blanks', { state: ' ' }],
] as const)
  test(`${what} fits into no certificate: nothing is written`, async (t) => {
    const dir = path.join(await temporaryDirectory(t), 'project');
    const wanted = input(dir);
    await t.throwsAsync(
      initProject({ ...wanted, organisation: { ...wanted.organisation, ...organisation } }),
      { code: 'USAGE' },
    );
    await t.throwsAsync(readdir(dir), { code: 'ENOENT' });
  });
