import { createPrivateKey, X509Certificate } from 'node:crypto';
import { AmlpromoteError } from '../../domain/errors.ts';
import type {
  CertificateAuthority,
  createLoneIdentity,
  createSigningIdentity,
  SigningIdentity,
} from '../../evidence/certificates.ts';
import { readCertificate } from '../../evidence/certificate.ts';
import { formatName, includesName, parseName } from '../../evidence/distinguished-name.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewFiles } from './write-new.ts';

/** Makes keys with certificates; `src/evidence/certificates.ts` does. */
export interface IdentityMaker {
  readonly createSigningIdentity: typeof createSigningIdentity;
  readonly createLoneIdentity: typeof createLoneIdentity;
}

/** For the subjects of the certificates: the Notary Project wants C, ST and O in a trusted identity. */
export interface Organisation {
  readonly name: string;
  /** State or province. */
  readonly state: string;
  /** ISO 3166 two-letter code. */
  readonly country: string;
}

/** Certificates as PEM, and the name under which the policies trust the release key. */
export interface Identities {
  readonly releaseCa: string;
  readonly releaseSubject: string;
  readonly receipt: string;
}

/** Validity of the signing certificates; the CA lives ten years, so a new one can be issued without touching a policy. */
const leafDays = 730;

export async function writeIdentities(
  files: NewFiles,
  options: { organisation: Organisation; clock: Pick<Clock, 'now'>; createIdentities: IdentityMaker },
): Promise<Identities> {
  const { organisation, clock, createIdentities } = options;
  const subject = (commonName: string): string => subjectOf(commonName, organisation);
  const releaseSubject = subject('release');

  if (await needsIdentity(files, 'outside')) {
    const made = await createIdentities.createSigningIdentity({
      subject: releaseSubject,
      ca: (await existingAuthority(files, releaseSubject, clock.now())) ?? {
        subject: subject('release CA'),
      },
      days: leafDays,
      clock,
    });
    await writeRelease(files, made);
  }
  if (await needsIdentity(files, 'inside')) {
    await refuseUnpinned(files);
    const made = await createIdentities.createLoneIdentity({
      subject: subject('receipt'),
      days: leafDays,
      clock,
    });
    // The key comes last: whoever finds a key also finds its certificate.
    await files.write('inside/cert.pem', made.certificate);
    await files.write('inside/key.pem', made.key, 0o600);
  }
  return {
    releaseSubject,
    releaseCa: certificatesIn(await files.read('outside/cert.pem')).at(-1) ?? '',
    receipt: certificatesIn(await files.read('inside/cert.pem'))[0] ?? '',
  };
}

async function writeRelease(files: NewFiles, { ca, leaf }: SigningIdentity): Promise<void> {
  await files.write('outside/ca-key.pem', ca.key, 0o600);
  await files.write('outside/cert.pem', leaf.chain);
  await files.write('outside/key.pem', leaf.key, 0o600);
}

/**
 * The CA that the policies of an earlier init trust: a release key that is made anew is signed by it, or no side would
 * believe the new key.
 */
async function existingAuthority(
  files: NewFiles,
  releaseSubject: string,
  now: Date,
): Promise<CertificateAuthority | undefined> {
  const key = await files.read('outside/ca-key.pem');
  const outside = await files.read('outside/trust/release-ca.pem');
  const inside = await files.read('inside/trust/release-ca.pem');
  const trusted = outside ?? inside;
  if (key === undefined && trusted === undefined) return undefined;
  if (outside !== undefined && inside !== undefined && outside.trim() !== inside.trim())
    throw new AmlpromoteError(
      'KEY_MISSING',
      'outside/trust/release-ca.pem and inside/trust/release-ca.pem are not the same: a new key would be believed on one side only',
      {
        nextSteps: ['Find out which CA both sides are to trust, put it into both files, and run init again.'],
      },
    );
  if (key === undefined)
    throw new AmlpromoteError('KEY_MISSING', 'there is a release CA, but outside/ca-key.pem is missing', {
      nextSteps: [
        'Put ca-key.pem back for the moment, and run init again: the new release key must be signed by the CA that both policies trust.',
        'To begin with a new CA instead, remove trust/release-ca.pem of both sides; what the old key signed is then believed no more.',
      ],
    });
  const [certificate] = certificatesIn(trusted);
  if (certificate === undefined || !belongTogether(certificate, key))
    throw new AmlpromoteError(
      'KEY_MISSING',
      certificate === undefined
        ? 'there is outside/ca-key.pem, but no trust/release-ca.pem'
        : 'outside/ca-key.pem is not the key of trust/release-ca.pem',
      {
        nextSteps: [
          'Put the CA certificate back as outside/trust/release-ca.pem; or, if an earlier init was interrupted, remove outside/ca-key.pem and run init again.',
        ],
      },
    );
  const issuer = await readCertificate(new X509Certificate(certificate).raw);
  if (issuer.notAfter <= now)
    throw new AmlpromoteError(
      'KEY_MISSING',
      `the release CA expired on ${issuer.notAfter.toISOString()}: nobody would believe a key that it signs`,
      {
        nextSteps: [
          'Begin with a new CA: move outside/ca-key.pem and trust/release-ca.pem of both sides away, run init again, and take the new trust/release-ca.pem to wherever the old one went.',
        ],
      },
    );
  // The policies name the subject of the release key; init gave it to the CA as well, but for its common name.
  const wanted = parseName(releaseSubject).filter(({ type }) => type !== 'CN');
  if (!includesName(issuer.subject, wanted))
    throw new AmlpromoteError(
      'KEY_MISSING',
      `the release CA is ${issuer.name}, not of the organisation given: the policies would refuse the new key's name`,
      { nextSteps: ['Run init again with the --organisation, --state and --country of the first time.'] },
    );
  return { certificate, key };
}

function belongTogether(certificate: string, key: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** The policies pin the receipt certificate: another one beside an old pin would sign receipts that nobody believes. */
async function refuseUnpinned(files: NewFiles): Promise<void> {
  const pins = ['inside/trust/receipt.pem', 'outside/trust/receipt.pem'];
  const contents = await Promise.all(pins.map((name) => files.read(name)));
  const found = pins.filter((_, position) => contents[position] !== undefined);
  if (found.length === 0) return;
  throw new AmlpromoteError('KEY_MISSING', `inside/ has no receipt key, but ${found.join(' and ')} pin one`, {
    nextSteps: [
      'Put inside/key.pem and inside/cert.pem back.',
      `To begin with a new receipt key, move ${found.join(' and ')} away first; the old receipts are believed only while a policy lists their certificate under trust.receipts.`,
    ],
  });
}

/** True when there is neither key nor certificate; a half of a pair is nothing that can be mended by writing the other half. */
async function needsIdentity(files: NewFiles, side: 'outside' | 'inside'): Promise<boolean> {
  const key = await files.read(`${side}/key.pem`);
  const certificate = await files.read(`${side}/cert.pem`);
  if (key === undefined && certificate === undefined) return true;
  if (key !== undefined && certificate !== undefined && certificatesIn(certificate).length > 0) return false;
  const [has, lacks] = certificate === undefined ? ['key.pem', 'cert.pem'] : ['cert.pem', 'key.pem'];
  const found =
    key !== undefined && certificate !== undefined
      ? 'a cert.pem without a certificate'
      : `${has} but not ${lacks}`;
  throw new AmlpromoteError('KEY_MISSING', `${side}/ has ${found}`, {
    nextSteps: [
      `Put ${side}/${lacks} back.`,
      `To make the pair anew, or if an earlier init was interrupted: remove ${side}/${has} as well, leave ca-key.pem and trust/ where they are, and run init again.`,
    ],
  });
}

const certificatesIn = (pem = ''): readonly string[] =>
  [...pem.matchAll(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g)].map(
    ([block]) => `${block}\n`,
  );

/**
 * What fits into a name of X.509 (X.520: C has two letters, O at most 64 characters, ST 128) and that people can read.
 * @throws USAGE
 */
export function requireOrganisation({ name, state, country }: Organisation): void {
  const fits = (text: string, most: number): boolean =>
    text.trim() !== '' && text.length <= most && !/\p{Cc}|\p{Cs}/u.test(text);
  const wrong = [
    ...(fits(name, 64) ? [] : ['--organisation has 1 to 64 characters, on one line']),
    ...(fits(state, 128) ? [] : ['--state has 1 to 128 characters, on one line']),
    ...(/^[A-Za-z]{2}$/.test(country) ? [] : ['--country has two letters (ISO 3166), as in JP']),
  ];
  if (wrong.length === 0) return;
  throw new AmlpromoteError('USAGE', `no certificate can be made for that: ${wrong.join('; ')}`, {
    nextSteps: ['Run init again with values that fit.'],
  });
}

function subjectOf(commonName: string, { name, state, country }: Organisation): string {
  return formatName([
    { type: 'CN', value: commonName },
    { type: 'O', value: name },
    { type: 'ST', value: state },
    { type: 'C', value: country },
  ]);
}
