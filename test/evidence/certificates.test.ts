import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { chainProblems, leafProblems } from '../../src/evidence/certificate-chain.ts';
import { keyUsageBits, readCertificate, readCertificatesPem } from '../../src/evidence/certificate.ts';
import type { Certificate } from '../../src/evidence/certificate.ts';
import { createLoneIdentity } from '../../src/evidence/certificates.ts';
import { makeIdentities } from '../support/identities.ts';

const now = new Date('2026-03-01T12:00:00Z');
const days = (count: number): Date => new Date(now.getTime() + count * 86_400_000);
const identities = await makeIdentities(now);
const chain = await readCertificatesPem(identities.release.leaf.chain, 'chain');
const [leaf, ca] = chain;
const codes = (all: readonly { code: string; verdict: string }[]): string[] =>
  all.map(({ code, verdict }) => `${code} ${verdict}`);

test('init makes a chain as the Notary Project wants it', (t) => {
  t.is(leaf.name, 'CN=release,O=Contoso,ST=Tokyo,C=JP');
  t.deepEqual(leaf.keyUsage, { bits: keyUsageBits.digitalSignature, critical: true });
  t.deepEqual(leaf.extendedKeyUsage, ['1.3.6.1.5.5.7.3.3']);
  t.false(leaf.revocable);
  t.true(ca?.isCa);
  t.deepEqual(leafProblems(leaf), []);
  t.deepEqual(chainProblems(chain, [ca!], now), []);
});

test('a lone self-signed certificate is good when the policy pins it', async (t) => {
  const lone = await createLoneIdentity({
    subject: 'CN=a\\, b,O=Contoso,ST=Tokyo,C=JP',
    days: 1,
    clock: { now: () => now },
  });
  const [certificate] = await readCertificatesPem(lone.certificate, 'lone');
  t.is(certificate.name, 'CN=a\\, b,O=Contoso,ST=Tokyo,C=JP');
  t.deepEqual(chainProblems([certificate], [certificate], now), []);
  t.deepEqual(codes(chainProblems([certificate], [ca!], now)), ['SIGNER_UNTRUSTED refused']);
});

test('threat 15: a chain with a CA of its own leads nowhere, whatever its subject says', async (t) => {
  const [der, caDer] = identities.strangerSigner.certificates;
  const stranger = [await readCertificate(der!), await readCertificate(caDer!)] as const;
  t.is(stranger[0].name, leaf.name);
  t.deepEqual(codes(chainProblems(stranger, [ca!], now)), ['SIGNER_UNTRUSTED refused']);
  // The right CA appended to the wrong leaf is not its issuer.
  t.deepEqual(codes(chainProblems([stranger[0], ca!], [ca!], now)), ['SIGNATURE_INVALID refused']);
});

test('threat 37: certificates are judged at the moment of the question, with tolerance for slow clocks', (t) => {
  t.deepEqual(codes(chainProblems(chain, [ca!], days(366))), ['CERTIFICATE_EXPIRED refused']);
  const justBefore = new Date(leaf.notBefore.getTime() - 60_000);
  t.true(
    codes(chainProblems(chain, [ca!], justBefore)).every((one) => one === 'CERTIFICATE_EXPIRED inconclusive'),
  );
  t.true(codes(chainProblems(chain, [ca!], days(-1))).every((one) => one === 'CERTIFICATE_EXPIRED refused'));
});

test('threat 44: a certificate that names a revocation service leaves the question open where nobody can ask', (t) => {
  t.deepEqual(codes(chainProblems([{ ...leaf, revocable: true }, ca!], [ca!], now)), [
    'UNREACHABLE inconclusive',
  ]);
});

const wrong: readonly [string, Partial<Certificate>, RegExp][] = [
  ['without key usage', { keyUsage: undefined }, /key usage is missing/],
  ['key usage not critical', { keyUsage: { bits: 1, critical: false } }, /not critical/],
  ['also key encipherment', { keyUsage: { bits: 1 | 4, critical: true } }, /nothing that encrypts/],
  ['also cert sign', { keyUsage: { bits: 1 | 32, critical: true } }, /nothing that encrypts/],
  ['only non-repudiation', { keyUsage: { bits: 2, critical: true } }, /must be digitalSignature/],
  ['a CA as leaf', { isCa: true }, /is a CA certificate/],
  ['server authentication', { extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] }, /lacks codeSigning/],
  [
    'code signing and client authentication',
    { extendedKeyUsage: ['1.3.6.1.5.5.7.3.3', '1.3.6.1.5.5.7.3.2'] },
    /another purpose/,
  ],
  ['any purpose', { extendedKeyUsage: ['1.3.6.1.5.5.7.3.3', '2.5.29.37.0'] }, /another purpose/],
  ['SHA-1', { signatureHash: 'SHA-1' }, /not signed with SHA-2/],
  [
    'an unknown critical extension',
    { critical: [...leaf.critical, '1.2.3.4'] },
    /not understood: 1\.2\.3\.4/,
  ],
];
for (const [title, change, message] of wrong) {
  test(`a leaf is refused: ${title}`, (t) => {
    const problems = chainProblems([{ ...leaf, ...change }, ca!], [ca!], now);
    t.true(problems.length > 0 && problems.every(({ verdict }) => verdict === 'refused'));
    t.regex(problems.map(({ detail }) => detail).join('; '), message);
  });
}

const wrongCa: readonly [string, Partial<Certificate>, RegExp][] = [
  ['not a CA', { isCa: false }, /is not a CA/],
  ['basic constraints not critical', { critical: [] }, /is not a CA \(critical/],
  [
    'may not issue',
    { keyUsage: { bits: keyUsageBits.cRLSign, critical: true } },
    /may not issue certificates/,
  ],
  ['path length exceeded', { pathLength: -1 }, /chain of this length/],
  ['SHA-1', { signatureHash: 'SHA-1' }, /not signed with SHA-2/],
];
for (const [title, change, message] of wrongCa) {
  test(`an issuer is refused: ${title}`, (t) => {
    const issuer = { ...ca!, ...change };
    const problems = chainProblems([leaf, issuer], [issuer], now);
    t.regex(problems.map(({ detail }) => detail).join('; '), message);
  });
}

test('a certificate is exactly one DER certificate: no PEM, nothing behind it, no byte changed', async (t) => {
  const pem = Buffer.from(identities.release.leaf.chain);
  const longer = Buffer.concat([leaf.der, Buffer.from([0])]);
  for (const bytes of [pem, longer, Buffer.from('junk'), new Uint8Array()]) {
    const error = await t.throwsAsync(readCertificate(bytes), { instanceOf: AmlpromoteError });
    t.is(error.code, 'CONTENT_INVALID');
  }
  const flipped = Buffer.from(leaf.der);
  flipped[flipped.length - 1]! ^= 1;
  const changed = await readCertificate(flipped);
  t.deepEqual(codes(chainProblems([changed, ca!], [ca!], now)), ['SIGNATURE_INVALID refused']);
});
