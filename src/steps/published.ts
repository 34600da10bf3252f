import * as z from 'zod';
import type { BuildFacts } from '../domain/build.ts';
import type { Descriptor } from '../domain/descriptor.ts';
import type { Digest } from '../domain/digest.ts';
import { predicateTypes } from '../domain/media-types.ts';
import type { ScanReport } from '../domain/scan.ts';
import { parseProvenance } from '../evidence/predicates/provenance.ts';
import { checkBom } from '../evidence/predicates/sbom.ts';
import { parseScanPredicate } from '../evidence/predicates/scan.ts';
import type { Trust } from '../evidence/trust.ts';
import { canonicalBytes } from '../json/canonical.ts';
import type { ScanOutcome } from '../ports/scanner.ts';
import type { FoundAttestation } from './verify/attestations.ts';
import { findAttestations } from './verify/attestations.ts';
import type { VerifiableContent } from './verify/content.ts';
import { readChecked } from './verify/content.ts';
import { attachedTo, noKeys } from './verify/judge-image.ts';
import type { VouchingKeys } from './verify/signatures.ts';
import { findSignatures } from './verify/signatures.ts';

/** One piece of evidence in a registry that a trusted key vouches for. */
export interface Published<T> {
  readonly digest: Digest;
  readonly value: T;
}

/**
 * What a registry has about an image and a policy believes: it *is* the evidence, whatever a machine's own store holds. Of each
 * kind and subject the newest by what is signed in it, ties by digest, so it is a function of what is attached.
 */
export interface PublishedEvidence {
  /** Keys whose signatures of the image count. */
  readonly vouching: VouchingKeys;
  /** As many signers as the policy requires have signed the image. */
  readonly isSigned: boolean;
  /** Report and SBOM of one platform. The digest is the report's. */
  scanOf(platform: Descriptor): Promise<Published<ScanOutcome> | undefined>;
  provenance(): Promise<Published<BuildFacts> | undefined>;
}

/** Reads what is attached to an image in its repository; nothing of it is believed that no trusted key has signed. */
export async function readPublished(
  repository: VerifiableContent,
  image: Descriptor,
  trust: Trust,
  now: Date,
): Promise<PublishedEvidence> {
  const content = readChecked(repository);
  const signed = await findSignatures({ content, target: image, named: [], trust, now });
  const vouching = signed.value ?? noKeys;
  const candidates = attachedTo(content);
  const find = async <T>(
    kind: 'sbom' | 'scan' | 'provenance',
    subject: Descriptor,
    parse: (predicate: unknown, where: string) => T,
  ): Promise<readonly FoundAttestation<T>[]> => {
    if (vouching.keys.length === 0) return [];
    const { found } = await findAttestations({
      content,
      subject,
      predicateType: predicateTypes[kind],
      candidates: await candidates(kind, subject),
      vouching,
      parse,
    });
    return found;
  };
  return {
    vouching,
    isSigned: signed.value !== undefined && (signed.reasons ?? []).length === 0,
    async scanOf(platform) {
      const reports = await find('scan', platform, (predicate, where) =>
        parseScanPredicate(predicate, platform.digest, where),
      );
      const report = newest(reports, ({ finishedAt }) => finishedAt);
      if (!report) return undefined;
      // An SBOM bears no time, but who made it: what the same scanner says of the same image has the same bytes.
      const boms = await find('sbom', platform, checkBom);
      const { scanner } = report.value;
      const bom = newest(
        boms.filter(({ predicate }) => isBy(predicate, scanner)),
        () => '',
      );
      if (!bom) return undefined;
      return { digest: report.digest, value: { report: report.value, sbom: canonicalBytes(bom.value) } };
    },
    async provenance() {
      const found = await find('provenance', image, (predicate, where) =>
        parseProvenance(predicate, image.digest, where),
      );
      return newest(found, ({ finishedAt }) => finishedAt);
    },
  };
}

const madeBy = z.looseObject({
  metadata: z.looseObject({
    tools: z.looseObject({ components: z.array(z.looseObject({ name: z.string(), version: z.string() })) }),
  }),
});

function isBy(bom: unknown, { name, version }: ScanReport['scanner']): boolean {
  const tools = madeBy.safeParse(bom).data?.metadata.tools.components ?? [];
  return tools.some((tool) => tool.name === name && tool.version === version);
}

function newest<T>(
  found: readonly FoundAttestation<T>[],
  time: (value: T) => string,
): Published<T> | undefined {
  const [first] = found
    .map(({ digest, predicate }) => ({ digest, value: predicate }))
    .sort((a, b) =>
      time(a.value) === time(b.value) ? compare(a.digest, b.digest) : compare(time(b.value), time(a.value)),
    );
  return first;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Whether two scans of the same image say the same: findings, gaps and contents. When an advisory was last edited, and which
 * scanner of which version looked, is not what a reader acts on.
 */
export const sameAnswer = (a: ScanOutcome, b: ScanOutcome): boolean =>
  Buffer.from(canonicalBytes(answerOf(a))).equals(canonicalBytes(answerOf(b)));

function answerOf({ report, sbom }: ScanOutcome): unknown {
  const bom = JSON.parse(Buffer.from(sbom).toString('utf8')) as { metadata?: object };
  return {
    findings: report.findings.map((finding) => ({ ...finding, advisoryModified: undefined })),
    gaps: report.coverage.gaps,
    ecosystems: report.coverage.ecosystems,
    bom: { ...bom, metadata: { ...bom.metadata, tools: undefined } },
  } satisfies { findings: unknown; gaps: ScanReport['coverage']['gaps']; ecosystems: unknown; bom: unknown };
}
