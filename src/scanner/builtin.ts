import type { Descriptor } from '../domain/descriptor.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import type { CoverageGap, ScanReport } from '../domain/scan.ts';
import { parseManifest } from '../oci/manifest.ts';
import type { WalkCacheOptions, WalkLimits, WalkResult } from '../oci/walk/walk.ts';
import { readDiffIds, walkImage } from '../oci/walk/walk.ts';
import type { Clock } from '../ports/clock.ts';
import type { ScanOutcome, ScanRequest, Scanner } from '../ports/scanner.ts';
import { fileSelection } from './analyzers/all.ts';
import type { FileFacts } from './analyzers/analyzer.ts';
import type { Inventory } from './inventory.ts';
import { takeInventory } from './inventory.ts';
import { matchAdvisories } from './match.ts';
import type { Advisories } from './osv/advisories.ts';
import { openAdvisories } from './osv/advisories.ts';
import type { DatabaseFiles } from './osv/directory.ts';
import { inspectDatabase } from './osv/directory.ts';
import { makeSbom } from './sbom.ts';

export interface BuiltinScannerOptions {
  /** Layout of the public OSV export: `<ECOSYSTEM>/all.zip` or `<ECOSYSTEM>/*.json`; a `LABEL` file is quoted in reports. */
  readonly databaseDir: string;
  /** Where listings of layers and the index of the database are kept between runs; without it, nothing is. */
  readonly cache?: WalkCacheOptions;
  readonly clock: Clock;
  /** Of this tool. */
  readonly version: string;
  readonly limits?: WalkLimits;
}

/** Names what decides about findings besides analysers and database: raised when matching or rating would come out otherwise. */
const matcherVersion = 1;

/** The scanner that works everywhere, offline: packages of Debian and Python against an OSV database in a directory. */
export function createBuiltinScanner(options: BuiltinScannerOptions): Scanner {
  const scanner = {
    name: 'amlpromote-builtin',
    version: options.version,
    uri: 'https://amlpromote.dev/scanner/builtin',
  };
  return {
    async identity() {
      const { digest } = await inspectDatabase(options.databaseDir);
      return { name: scanner.name, version: scanner.version, database: digest };
    },
    async cacheKey() {
      const { digest } = await inspectDatabase(options.databaseDir);
      return `${scanner.name}/${scanner.version} matcher/${String(matcherVersion)} ${fileSelection.version} database/${digest}`;
    },
    async scan(request) {
      const startedAt = seconds(options.clock);
      const database = await inspectDatabase(options.databaseDir);
      const inventory = takeInventory(await walkOf(request, options));
      const advisories = await openAdvisories(database, options.cache);
      try {
        const report = await reportOf({ request, inventory, database, advisories, scanner, startedAt });
        const finishedAt = seconds(options.clock);
        return {
          report: { ...report, finishedAt },
          sbom: makeSbom(request.image.digest, inventory, scanner),
        };
      } finally {
        await advisories.close();
      }
    },
  } satisfies Scanner & { scan(request: ScanRequest): Promise<ScanOutcome> };
}

async function walkOf(request: ScanRequest, options: BuiltinScannerOptions): Promise<WalkResult<FileFacts>> {
  const { content, image, progress, signal } = request;
  const manifest = await content.manifest(image.digest);
  if (!manifest) {
    throw new AmlpromoteError('NOT_FOUND', `image ${image.digest} is not there to be scanned`, {
      nextSteps: ['Build it, or give a reference to where it is.'],
    });
  }
  const { config, layers } = parseManifest(manifest);
  const diffIds = await readDiffIds(content, config, layers.length);
  return walkImage({
    content,
    layers: layers.flatMap((descriptor, index) => {
      const diffId = diffIds[index];
      return diffId === undefined ? [] : [{ descriptor, diffId }];
    }),
    selection: fileSelection,
    onBytes: (layer: Descriptor, done: number) =>
      progress({ type: 'bytes', step: 'scan', digest: layer.digest, done, total: layer.size }),
    ...(options.cache === undefined ? {} : { cache: options.cache }),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(signal === undefined ? {} : { signal }),
  });
}

interface ReportParts {
  readonly request: ScanRequest;
  readonly inventory: Inventory;
  readonly database: DatabaseFiles;
  readonly advisories: Advisories;
  readonly scanner: ScanReport['scanner'];
  readonly startedAt: string;
}

async function reportOf(parts: ReportParts): Promise<Omit<ScanReport, 'finishedAt'>> {
  const { request, inventory, database, advisories, scanner, startedAt } = parts;
  const matches = await matchAdvisories(inventory.items, advisories);
  return {
    image: request.image.digest,
    scanner,
    database: {
      digest: database.digest,
      ...(advisories.newest === undefined ? {} : { newest: advisories.newest }),
      ecosystems: advisories.ecosystems,
      ...(database.label === undefined ? {} : { label: database.label }),
    },
    startedAt,
    findings: matches.findings,
    coverage: {
      components: inventory.items.length,
      ecosystems: matches.ecosystems,
      gaps: [...inventory.gaps, ...matches.gaps, ...databaseGaps(advisories)],
    },
  };
}

function databaseGaps({ unreadable: { count, examples } }: Advisories): readonly CoverageGap[] {
  if (count === 0) return [];
  const detail = `${String(count)} records cannot be understood, e.g. ${examples.join(', ')}`;
  return [{ code: 'UNREADABLE_METADATA', subject: 'advisory database', detail }];
}

/** RFC 3339 UTC, whole seconds. */
const seconds = (clock: Clock): string =>
  clock
    .now()
    .toISOString()
    .replace(/\.\d+Z$/, 'Z');
