import type { Descriptor } from '../domain/descriptor.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { isImageManifestType } from '../domain/media-types.ts';
import type { ScanReport } from '../domain/scan.ts';
import type { Decision } from '../domain/verdict.ts';
import type { PolicyRules } from '../manifest/policy.ts';
import { evaluateScan } from '../policy/scan.ts';
import type { ContentReader, Registry } from '../ports/content.ts';
import type { ScanOutcome, Scanner } from '../ports/scanner.ts';
import type { Seal } from '../ports/seal.ts';
import type { StepContext } from '../ports/step-context.ts';
import { sameAnswer } from './published.ts';
import type { ScanResult } from './scan-result.ts';
import { readScanResultOf, writeScanResult } from './scan-result.ts';
import { step } from './step.ts';

export interface ScanInput {
  /** Under which the result is kept in the store. */
  readonly repository: string;
  /** One image manifest, not an index: scan each platform. */
  readonly image: Descriptor;
  readonly policy: Pick<PolicyRules, 'scan'>;
}

export interface ScanPorts extends StepContext {
  /** Where the image is: the store, or a repository of the registry (an image that never touched this machine). */
  readonly content: ContentReader;
  /** Keeps the result for `sign`. */
  readonly store: Registry;
  /** Of this machine: what it scanned. */
  readonly seal: Seal;
  readonly scanner: Scanner;
  /** What a registry has about this image by a trusted key: there it need not be scanned, or stated, again. */
  readonly published?: ((image: Descriptor) => Promise<ScanOutcome | undefined>) | undefined;
}

export interface ScanStepReport {
  readonly image: Descriptor;
  readonly report: ScanReport;
  /** CycloneDX 1.6 JSON in the store. */
  readonly sbom: Descriptor;
  readonly decision: Decision;
  /** A stored result of the same scanner and database was used. */
  readonly already: boolean;
}

/**
 * What is in an image, what advisories say about it, and what the policy says about that. A verdict other than `allowed` is
 * an answer, not an error. The policy is asked anew each time; the scan is made anew when scanner or database changed, or
 * when the policy finds it stale.
 * @throws UNSUPPORTED for an index; NOT_FOUND for image or database; what reading the image throws
 */
export async function scan(input: ScanInput, ports: ScanPorts): Promise<ScanStepReport> {
  const { image, repository } = input;
  if (!isImageManifestType(image.mediaType)) throw notOneImage(image);
  return await step(
    ports,
    'scan',
    `${repository}@${image.digest}`,
    async () => await scanOrFind(input, ports),
    ({ already, report: { findings, coverage }, decision: { verdict } }) => ({
      already,
      verdict,
      detail: `${verdict}: ${findings.length} finding${findings.length === 1 ? '' : 's'} in ${coverage.components} package${coverage.components === 1 ? '' : 's'}`,
    }),
  );
}

async function scanOrFind(input: ScanInput, ports: ScanPorts): Promise<ScanStepReport> {
  const { image, policy } = input;
  const stored = (await currentResult(input, ports)) ?? (await publishedResult(input, ports));
  const result = stored ?? (await scanNow(input, ports));
  return {
    image,
    report: result.report,
    sbom: result.sbomDescriptor,
    decision: evaluateScan(result.report, policy, ports.clock.now()),
    already: stored !== undefined,
  };
}

async function currentResult(
  { repository, image, policy }: ScanInput,
  { store, scanner, clock, seal }: ScanPorts,
): Promise<ScanResult | undefined> {
  const result = await readScanResultOf(store, repository, image.digest, {
    seal,
    cacheKey: await scanner.cacheKey(),
  });
  if (!result) return undefined;
  return isStale(result.report, policy, { clock }) ? undefined : result;
}

/** What is published was made by the same scanner with the same advisories, and is fresh: it is the answer. */
async function publishedResult(input: ScanInput, ports: ScanPorts): Promise<ScanResult | undefined> {
  const outcome = await ports.published?.(input.image);
  if (!outcome) return undefined;
  const { name, version, database } = await ports.scanner.identity();
  const { report } = outcome;
  const isCurrent =
    report.scanner.name === name && report.scanner.version === version && report.database.digest === database;
  return isCurrent && !isStale(report, input.policy, ports) ? await keep(input, ports, outcome) : undefined;
}

const isStale = (
  report: ScanReport,
  policy: Pick<PolicyRules, 'scan'>,
  { clock }: Pick<ScanPorts, 'clock'>,
): boolean => evaluateScan(report, policy, clock.now()).reasons.some(({ code }) => code === 'STALE_SCAN');

async function scanNow(input: ScanInput, ports: ScanPorts): Promise<ScanResult> {
  const { image, policy } = input;
  const { content, scanner, progress, signal } = ports;
  const outcome = await scanner.scan({ content, image, progress, signal });
  // The same answer by another scanner or other advisories needs no new statement, while the published one is fresh.
  const published = await ports.published?.(image);
  const isSame =
    published && isAsFresh(published.report, outcome.report, policy, ports) && sameAnswer(published, outcome);
  return await keep(input, ports, isSame ? published : outcome);
}

/** What the policy says of the age of a published report, it says of the new one as well. */
function isAsFresh(
  published: ScanReport,
  fresh: ScanReport,
  policy: Pick<PolicyRules, 'scan'>,
  { clock }: Pick<ScanPorts, 'clock'>,
): boolean {
  const stale = (report: ScanReport): string =>
    evaluateScan(report, policy, clock.now())
      .reasons.flatMap(({ code }) => (code === 'STALE_SCAN' || code === 'STALE_DATABASE' ? code : []))
      .join();
  return stale(published) === stale(fresh);
}

async function keep(input: ScanInput, ports: ScanPorts, outcome: ScanOutcome): Promise<ScanResult> {
  const { repository, image } = input;
  const { store, scanner, progress, seal } = ports;
  const cacheKey = await scanner.cacheKey();
  const result = await writeScanResult(store, { repository, image, outcome, cacheKey, seal });
  progress({
    type: 'effect',
    step: 'scan',
    effect: 'scan result stored',
    subject: result.reportDescriptor.digest,
  });
  return result;
}

const notOneImage = (image: Descriptor): AmlpromoteError =>
  new AmlpromoteError(
    'UNSUPPORTED',
    `${image.digest} is ${image.mediaType}; a scan is about one image manifest`,
    {
      nextSteps: ['Scan the manifest of each platform, by its digest.'],
    },
  );
