import type { Reason } from '../domain/verdict.ts';
import { algorithmOf } from './algorithm.ts';
import { certificateOids, keyUsageBits } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import { subjectProblems } from './distinguished-name.ts';

/** Leaf first. More than this many certificates are not read (threat 17). */
export const maxChainLength = 10;

/** Two honest machines may disagree about the time by this much before anything is refused for it (threat 37), ms. */
export const clockToleranceMs = 5 * 60 * 1000;

type Chain = readonly [Certificate, ...Certificate[]];

/**
 * Everything that speaks against believing the leaf at `now`, given the policy's anchors (Notary Project
 * signature-specification, "Certificate Requirements"). Empty = believe it. `chain` runs leaf → root, ends in a self-signed
 * certificate and holds one of the anchors byte for byte. All of it is judged, also what stands behind the anchor: notation
 * does, and what one verifier refuses must not run because another one stopped reading.
 */
export function chainProblems(chain: Chain, anchors: readonly Certificate[], now: Date): readonly Reason[] {
  const [leaf, ...issuers] = chain;
  const problem = (code: Reason['code'], detail: string, verdict: Reason['verdict'] = 'refused'): Reason => ({
    code,
    verdict,
    subject: leaf.name,
    detail,
  });
  if (chain.length > maxChainLength)
    return [problem('SIGNATURE_INVALID', 'its certificate chain is too long')];
  if (!chain.some((one) => anchors.some((anchor) => anchor.thumbprint === one.thumbprint)))
    return [problem('SIGNER_UNTRUSTED', 'its certificate does not lead to a CA that the policy names')];
  const unfit = anchors.find((anchor) => !anchor.isCa && !anchor.isSelfSigned());
  if (unfit)
    return [
      problem(
        'SIGNER_UNTRUSTED',
        `the policy trusts ${unfit.name}, which is neither a CA nor self-signed: name its CA instead`,
      ),
    ];

  const rules = [
    ...leafProblems(leaf),
    ...issuers.flatMap(issuerProblems),
    ...subjectProblems(leaf.subject),
    ...linkProblems(chain),
  ];
  const unknown = chain.flatMap((one) => one.critical.filter((oid) => !understood.has(oid)));
  if (unknown.length > 0)
    rules.push(`a certificate has critical extensions that are not understood: ${unknown.join(', ')}`);
  return [
    ...rules.map((detail) => problem('SIGNATURE_INVALID', detail)),
    ...chain.flatMap((one) => timeProblems(one, now)),
    ...(chain.some((one) => one.revocable)
      ? [
          problem(
            'UNREACHABLE',
            'a certificate names a revocation service, which is not asked from here: use certificates without CRL and OCSP addresses',
            'inconclusive',
          ),
        ]
      : []),
  ];
}

/** Each certificate by the next, the last one by itself, and no other one by itself. */
function linkProblems(chain: Chain): string[] {
  return chain.flatMap((one, index) => {
    const issuer = chain[index + 1];
    if (!issuer) return one.isSelfSigned() ? [] : [`its chain ends in ${one.name}, which is not self-signed`];
    if (one.isSelfSigned()) return [`${one.name} is self-signed, but others follow it in the chain`];
    return one.isIssuedBy(issuer) ? [] : [`${one.name} is not issued by ${issuer.name}`];
  });
}

const understood = new Set<string>([
  certificateOids.keyUsage,
  certificateOids.basicConstraints,
  certificateOids.extendedKeyUsage,
]);

const codeSigning = '1.3.6.1.5.5.7.3.3';
/** any, serverAuth, clientAuth, emailProtection, timeStamping, OCSPSigning */
const foreignPurposes = [
  '2.5.29.37.0',
  '1.3.6.1.5.5.7.3.1',
  '1.3.6.1.5.5.7.3.2',
  '1.3.6.1.5.5.7.3.4',
  '1.3.6.1.5.5.7.3.8',
  '1.3.6.1.5.5.7.3.9',
];
const strongHashes = new Set(['SHA-256', 'SHA-384', 'SHA-512']);
/** RFC 5280 §4.2.1.3: what a leaf may be for. Whatever encrypts or issues may not sign images, the rarest bits included. */
const leafUsages = keyUsageBits.digitalSignature | keyUsageBits.nonRepudiation;

/** What a signing certificate must be, whoever issued it. */
export function leafProblems(leaf: Certificate): string[] {
  const problems: string[] = [];
  const usage = leaf.keyUsage;
  if (!usage?.critical) problems.push('its key usage is missing or not critical');
  else if ((usage.bits & keyUsageBits.digitalSignature) === 0 || (usage.bits & ~leafUsages) !== 0)
    problems.push('its key usage must be digitalSignature and nothing that encrypts or issues');
  if (leaf.isCa) problems.push('it is a CA certificate');
  const purposes = leaf.extendedKeyUsage;
  if (purposes && !purposes.includes(codeSigning)) problems.push('its extended key usage lacks codeSigning');
  if (purposes?.some((oid) => foreignPurposes.includes(oid)))
    problems.push('its extended key usage is for another purpose as well');
  if (!algorithmOf(leaf.publicKey))
    problems.push('its key is neither RSA 2048/3072/4096 nor EC P-256/384/521');
  if (!strongHashes.has(leaf.signatureHash ?? '')) problems.push('it is not signed with SHA-2');
  return problems;
}

function issuerProblems(issuer: Certificate, below: number): string[] {
  const problems: string[] = [];
  if (!issuer.isCa || !issuer.critical.includes(certificateOids.basicConstraints))
    problems.push(`${issuer.name} is not a CA (critical basic constraints)`);
  if (!issuer.keyUsage?.critical || (issuer.keyUsage.bits & keyUsageBits.keyCertSign) === 0)
    problems.push(`${issuer.name} may not issue certificates (critical key usage)`);
  // `below` intermediate certificates stand between this one and the leaf (RFC 5280 §4.2.1.9).
  if (issuer.pathLength !== undefined && below > issuer.pathLength)
    problems.push(`${issuer.name} may not issue a chain of this length`);
  if (!algorithmOf(issuer.publicKey))
    problems.push(`the key of ${issuer.name} is of an unsupported kind or size`);
  if (!strongHashes.has(issuer.signatureHash ?? '')) problems.push(`${issuer.name} is not signed with SHA-2`);
  return problems;
}

function timeProblems(certificate: Certificate, now: Date): readonly Reason[] {
  const early = certificate.notBefore.getTime() - now.getTime();
  const subject = certificate.name;
  if (now > certificate.notAfter)
    return [
      {
        code: 'CERTIFICATE_EXPIRED',
        verdict: 'refused',
        subject,
        detail: `its certificate expired on ${certificate.notAfter.toISOString()}`,
      },
    ];
  if (early <= 0) return [];
  return [
    {
      code: 'CERTIFICATE_EXPIRED',
      verdict: early <= clockToleranceMs ? 'inconclusive' : 'refused',
      subject,
      detail: `its certificate is not valid before ${certificate.notBefore.toISOString()}: check the clocks`,
    },
  ];
}
