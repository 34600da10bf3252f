import type { BuildFacts } from '../../domain/build.ts';
import type { Descriptor } from '../../domain/descriptor.ts';
import { predicateTypes } from '../../domain/media-types.ts';
import type { ScanReport } from '../../domain/scan.ts';
import type { Reason } from '../../domain/verdict.ts';
import { parseProvenance } from '../../evidence/predicates/provenance.ts';
import { checkBom } from '../../evidence/predicates/sbom.ts';
import { parseScanPredicate } from '../../evidence/predicates/scan.ts';
import { evaluateImage } from '../../policy/image.ts';
import { evaluateScan } from '../../policy/scan.ts';
import type { ContentReader } from '../../ports/content.ts';
import type { PolicyRules } from '../../manifest/policy.ts';
import type { Candidates } from './candidates.ts';
import { findAttestations } from './attestations.ts';
import type { AttestationSearch, FoundAttestation } from './attestations.ts';
import { readPlatforms } from './image.ts';
import type { PlatformImage } from './image.ts';
import type { Finding, Judged, RuleResult } from './report.ts';
import { judge, notChecked, resultOf } from './report.ts';
import type { VouchingKeys } from './signatures.ts';

export type EvidenceKind = 'sbom' | 'scan' | 'provenance';

export interface EvidenceSource {
  readonly content: ContentReader;
  readonly image: Descriptor;
  /** Keys whose signatures of this image or release verified under the policy. */
  readonly vouching: VouchingKeys;
  /** Where attestations of a kind about a subject may be. */
  readonly candidates: (kind: EvidenceKind, subject: Descriptor) => Promise<Candidates>;
}

/** Rules `sbom`, `scan`, `findings`, `provenance`, `image-policy`. Every platform of an image needs its own SBOM and scan. */
export async function judgeEvidence(
  source: EvidenceSource,
  policy: PolicyRules,
  now: Date,
): Promise<readonly RuleResult[]> {
  const { content, image } = source;
  const subject = image.digest;
  const read = await judge('image-policy', subject, async () => ({
    value: await readPlatforms(content, image),
  }));
  if (!read.value) {
    const why = 'the image could not be read';
    const open = (['sbom', 'scan', 'findings', 'provenance'] as const).map((rule) =>
      notChecked(rule, subject, why),
    );
    return [...open, read.result];
  }
  const subjects = read.value.map(({ descriptor }) => descriptor);
  const sbom = await judge('sbom', subject, () =>
    attested(source, 'sbom', subjects, (predicate, _, where) => checkBom(predicate, where)),
  );
  const scan = await judge('scan', subject, () =>
    attested(source, 'scan', subjects, (predicate, about, where) =>
      parseScanPredicate(predicate, about.digest, where),
    ),
  );
  const provenance = await judge('provenance', subject, () =>
    attested(source, 'provenance', [image], (predicate, about, where) =>
      parseProvenance(predicate, about.digest, where),
    ),
  );
  return [
    sbom.result,
    scan.result,
    judgeFindings(subject, scan, policy, now),
    provenance.result,
    judgeImage(read.value, provenance, policy),
  ];
}

/** For each subject at least one attestation by a trusted key. */
async function attested<T>(
  source: EvidenceSource,
  kind: EvidenceKind,
  subjects: readonly Descriptor[],
  parse: (predicate: unknown, subject: Descriptor, where: string) => T,
): Promise<Finding<readonly FoundAttestation<T>[]>> {
  const all: FoundAttestation<T>[] = [];
  const reasons: Reason[] = [];
  for (const subject of subjects) {
    const search: AttestationSearch<T> = {
      content: source.content,
      subject,
      predicateType: predicateTypes[kind],
      candidates: await source.candidates(kind, subject),
      vouching: source.vouching,
      parse: (predicate, where) => parse(predicate, subject, where),
    };
    const result = await findAttestations(search);
    all.push(...result.found);
    reasons.push(...result.reasons);
  }
  const evidence = all.map(({ digest }) => digest);
  return reasons.length > 0 ? { reasons, evidence } : { evidence, value: all };
}

function judgeFindings(
  subject: string,
  scan: Judged<readonly FoundAttestation<ScanReport>[]>,
  policy: PolicyRules,
  now: Date,
): RuleResult {
  if (!scan.value) return notChecked('findings', subject, 'no scan by a trusted key was found');
  const newest = newestPerSubject(scan.value);
  const result = resultOf('findings', {
    reasons: newest.flatMap(({ predicate }) => evaluateScan(predicate, policy, now).reasons),
    evidence: newest.map(({ digest }) => digest),
  });
  return { ...result, scans: newest.map(({ predicate }) => predicate) };
}

/** Scans are repeated as advisories appear: the last word counts. Old ones alone do not help, for the policy has a `maxAge`. */
function newestPerSubject(
  scans: readonly FoundAttestation<ScanReport>[],
): readonly FoundAttestation<ScanReport>[] {
  const newest = new Map<string, FoundAttestation<ScanReport>>();
  for (const scan of scans) {
    const known = newest.get(scan.subject.digest);
    if (!known || Date.parse(scan.predicate.finishedAt) > Date.parse(known.predicate.finishedAt))
      newest.set(scan.subject.digest, scan);
  }
  return [...newest.values()];
}

function judgeImage(
  platforms: readonly PlatformImage[],
  provenance: Judged<readonly FoundAttestation<BuildFacts>[]>,
  policy: PolicyRules,
): RuleResult {
  const builds = provenance.value?.map(({ predicate }) => predicate);
  return resultOf('image-policy', {
    reasons: platforms.flatMap(
      ({ facts }) => evaluateImage({ ...facts, ...(builds ? { builds } : {}) }, policy).reasons,
    ),
    evidence: platforms.map(({ descriptor }) => descriptor.digest),
  });
}
