import { generateKeyPairSync } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { openFileSigner } from '../../../src/adapters/signer/file.ts';
import { verifyJws } from '../../../src/evidence/algorithm.ts';
import { leafOf } from '../../../src/evidence/attestation.ts';
import { createLoneIdentity } from '../../../src/evidence/certificates.ts';
import { makeIdentities } from '../../support/identities.ts';
import { temporaryDirectory } from '../../support/temp-directory.ts';

const identities = await makeIdentities(new Date('2026-03-01T12:00:00Z'));
const key = identities.release.leaf.key;
const chain = identities.release.leaf.chain;

async function filesWith(
  t: Parameters<typeof temporaryDirectory>[0],
  keyText: string | undefined,
  chainText: string | undefined,
  mode = 0o600,
): Promise<{ keyFile: string; certificateFile: string }> {
  const folder = await temporaryDirectory(t, {
    ...(keyText === undefined ? {} : { 'key.pem': keyText }),
    ...(chainText === undefined ? {} : { 'cert.pem': chainText }),
  });
  const keyFile = path.join(folder, 'key.pem');
  if (keyText !== undefined) await chmod(keyFile, mode);
  return { keyFile, certificateFile: path.join(folder, 'cert.pem') };
}

test('opens what init makes, and signs raw r‖s that its certificate verifies', async (t) => {
  const signer = await openFileSigner(await filesWith(t, key, chain));
  t.is(signer.certificates.length, 2);
  const data = Buffer.from('data');
  const signature = await signer.sign(data);
  t.is(signature.byteLength, 64);
  t.true(verifyJws((await leafOf(signer)).publicKey, data, signature));
});

const pem = (curve: string): string =>
  generateKeyPairSync('ec', { namedCurve: curve })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
const encrypted = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
  .toString();
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();

const wrong: readonly [string, string | undefined, string | undefined, RegExp][] = [
  ['no key', undefined, chain, /there is no such file/],
  ['no certificate', key, undefined, /there is no such file/],
  ['a key that is none', 'junk', chain, /not an unencrypted PEM private key/],
  ['an encrypted key', encrypted, chain, /not an unencrypted PEM private key/],
  ['a P-384 key', pem('P-384'), chain, /not an EC P-256 key/],
  ['an RSA key', rsa, chain, /not an EC P-256 key/],
  ['a certificate that is none', key, 'junk', /no readable PEM certificate/],
  ['a certificate that is broken', key, chain.replace(/^M.{20}/m, 'AAAA'), /no readable PEM certificate/],
  ['another key’s certificate', pem('P-256'), chain, /do not belong together/],
  ['a certificate in place of the key', chain, chain, /this is a certificate, not a private key/],
  ['a key in place of the certificate', key, key, /this is a private key, not a certificate/],
  ['a huge file', 'x'.repeat(70_000), chain, /too large/],
];
for (const [title, keyText, chainText, message] of wrong) {
  test(`is a missing key: ${title}`, async (t) => {
    const error = await t.throwsAsync(openFileSigner(await filesWith(t, keyText, chainText)), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, 'KEY_MISSING');
    t.regex(error.message, message);
    t.true(error.nextSteps.length > 0);
    t.false(error.message.includes('PRIVATE'));
  });
}

test('a key that others can read is not used', async (t) => {
  for (const mode of [0o640, 0o604, 0o644]) {
    const error = await t.throwsAsync(openFileSigner(await filesWith(t, key, chain, mode)), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, 'KEY_MISSING');
    t.regex(error.nextSteps.join(), /chmod 600/);
  }
});

test('a receipt key is a key like any other', async (t) => {
  const lone = await createLoneIdentity({
    subject: 'CN=receipt,O=Contoso,ST=Tokyo,C=JP',
    days: 30,
    clock: { now: () => new Date() },
  });
  const files = await filesWith(t, lone.key, lone.certificate);
  t.is((await openFileSigner(files)).certificates.length, 1);
  t.regex(await readFile(files.keyFile, 'utf8'), /^-----BEGIN PRIVATE KEY-----/);
});

test('a file that is no key is not told to be made private; a key is', async (t) => {
  for (const [text, told] of [
    [chain, false],
    ['kind: Image\n', false],
    [key, true],
  ] as const) {
    const error = await t.throwsAsync(openFileSigner(await filesWith(t, text, chain, 0o644)), {
      instanceOf: AmlpromoteError,
    });
    t.is(/chmod 600/.test(error.nextSteps.join(' ')), told);
  }
});
