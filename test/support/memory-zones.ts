import { loadTrust } from '../../src/evidence/trust.ts';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ProgressEvent } from '../../src/domain/events.ts';
import type { ScanReport } from '../../src/domain/scan.ts';
import { createInside } from '../../src/sides/inside.ts';
import type { Inside } from '../../src/sides/inside.ts';
import { loadImage } from '../../src/manifest/image.ts';
import type { ImageSpec } from '../../src/manifest/image.ts';
import type { Policy } from '../../src/manifest/policy.ts';
import { loadZones } from '../../src/manifest/zones.ts';
import type { Zones } from '../../src/manifest/zones.ts';
import { openStore } from '../../src/oci/store/store.ts';
import { createOutside } from '../../src/sides/outside.ts';
import type { Outside } from '../../src/sides/outside.ts';
import type { Registry } from '../../src/ports/content.ts';
import type { Locks } from '../../src/ports/importer.ts';
import type { Scanner } from '../../src/ports/scanner.ts';
import type { Signer } from '../../src/ports/signer.ts';
import { archiveEngine } from './archive-engine.ts';
import type { ArchiveEngine } from './archive-engine.ts';
import { makeIdentities, temporaryFolder } from './identities.ts';
import type { TestIdentities } from './identities.ts';
import { manualClock } from './manual-clock.ts';
import type { ManualClock } from './manual-clock.ts';
import { sampleWorkspaceId, zonesYaml } from './manifest-samples.ts';
import { memoryImporter } from './memory-importer.ts';
import type { MemoryImporter, MemoryImporterOptions } from './memory-importer.ts';
import { memoryLocks } from './memory-locks.ts';
import type { MemoryLocks } from './memory-locks.ts';
import { memoryRegistry } from './memory-registry.ts';
import { memoryShelf } from './memory-shelf.ts';
import type { MemoryRegistry } from './memory-registry.ts';
import { memoryRecords, memoryWorkspace } from './memory-workspace.ts';
import type { MemoryRecords, MemoryWorkspace } from './memory-workspace.ts';
import { mortalLife } from './mortal.ts';
import type { Life } from './mortal.ts';
import { report } from './scan-reports.ts';
import { bom, testPolicy } from './signed-release.ts';
import { testSeal } from './test-seal.ts';

/** Files, keys and policy that all zones of one test file share. */
export interface Ground {
  readonly folder: string;
  readonly identities: TestIdentities;
  readonly policy: Policy;
  readonly zones: Zones;
  readonly spec: ImageSpec;
}

const started = '2026-11-21T12:00:00Z';

const imageYaml = `apiVersion: amlpromote/v1
kind: Image
name: churn-train
version: 1.4.0
repository: ml/churn-train
source: { build: { context: ./context } }
environment: { tags: { team: churn }, uses: [batch-training] }
smoke:
  command: python train.py --data \${{inputs.data}}
  inputs: { data: { type: uri_file, path: ./churn.csv } }
`;

/** The real loaders read real files; the keys are real. */
export async function prepareGround(): Promise<Ground> {
  const identities = await makeIdentities(new Date(started));
  const folder = temporaryFolder('memory-zones');
  mkdirSync(path.join(folder, 'context'));
  const files = {
    'zones.yaml': zonesYaml,
    'image.yaml': imageYaml,
    'churn.csv': 'a,b\n1,2\n',
    'context/Dockerfile': 'FROM base:1\nCOPY train.py /app/\n',
    'context/train.py': 'print("score=0.9")\n',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(folder, name), content);
  return {
    folder,
    identities,
    policy: await testPolicy(identities),
    zones: await loadZones(path.join(folder, 'zones.yaml')),
    spec: await loadImage(path.join(folder, 'image.yaml')),
  };
}

/** Both zones in memory, as they are between runs. */
export interface MemoryZones {
  readonly dev: MemoryRegistry;
  /** As it is; clients see it through `locks.registry`. */
  readonly sec: MemoryRegistry;
  readonly importer: MemoryImporter;
  readonly locks: MemoryLocks;
  /** The same of the non-sensitive registry. */
  readonly devLocks: MemoryLocks;
  readonly workspace: MemoryWorkspace;
  /** What a machine knows of its runs, by the directory of its store. */
  recordsOf(store: string): MemoryRecords;
  readonly engine: ArchiveEngine;
  readonly clock: ManualClock;
}

export interface MemoryZonesOptions extends MemoryImporterOptions {
  /** An outside that is there already. */
  readonly dev?: MemoryRegistry;
}

export function memoryZones(options: MemoryZonesOptions = {}): MemoryZones {
  const { dev = memoryRegistry('contosodev.azurecr.io') } = options;
  const sec = memoryRegistry('contososec.azurecr.io');
  const machines = new Map<string, MemoryRecords>();
  return {
    dev,
    sec,
    importer: memoryImporter(dev, sec, options),
    locks: memoryLocks(sec),
    devLocks: memoryLocks(dev),
    workspace: memoryWorkspace(sampleWorkspaceId),
    recordsOf: (store) => {
      const records = machines.get(store) ?? memoryRecords();
      machines.set(store, records);
      return records;
    },
    engine: archiveEngine(),
    clock: manualClock(started),
  };
}

/** One run of the tool on one machine: both sides over the same two zones, all ports mortal. */
export interface Run {
  readonly life: Life;
  readonly outside: Outside;
  readonly inside: Inside;
  readonly events: readonly ProgressEvent[];
  readonly effects: readonly string[];
}

export interface RunOptions {
  /** Directory of the machine's store: the same one is the same machine. */
  readonly store: string;
  /** Another machine may have got the store of this one. */
  readonly machine?: string;
  /** Dies at this effect, counted from 1. */
  readonly killAtEffect?: number;
  /** Dies right after this many writes. */
  readonly killAfterWrites?: number;
  readonly policy?: Policy;
  /** The non-sensitive registry as this run sees it. */
  readonly dev?: (registry: Registry) => Registry;
  /** This run may not lock there. */
  readonly noDevLocks?: boolean;
  /** What the scanner finds. */
  readonly found?: Partial<ScanReport>;
  /** Instead of the release key. */
  readonly signer?: Signer;
}

/** An empty directory for a store. */
export const newStore = (ground: Ground): string => mkdtempSync(path.join(ground.folder, 'store-'));

export function startRun(ground: Ground, world: MemoryZones, options: RunOptions): Run {
  const { killAtEffect = Infinity, killAfterWrites = Infinity, policy = ground.policy } = options;
  const life = mortalLife({ killAfter: killAfterWrites });
  const events: ProgressEvent[] = [];
  const effects: string[] = [];
  const progress = (event: ProgressEvent): void => {
    if (!life.alive) life.die();
    events.push(event);
    if (event.type !== 'effect') return;
    effects.push(`${event.step}: ${event.effect} ${event.subject}`);
    if (effects.length >= killAtEffect) life.die();
  };
  const { clock } = world;
  const { identities, zones } = ground;
  const outside = createOutside(zones, {
    trust: async () => loadTrust(policy),
    locks: async () => (options.noDevLocks ? lockless : life.port('devLocks', world.devLocks)),
    store: async () => life.port('store', await openStore(options.store)),
    seal: async () => testSeal(options.machine),
    registry: async () =>
      life.port('dev', (options.dev ?? ((registry) => registry))(world.devLocks.registry)),
    engine: async () => life.port('engine', world.engine),
    scanner: async () => life.port('scanner', scannerOf(clock, options.found)),
    signer: async () => life.port('signer', options.signer ?? identities.releaseSigner),
    clock,
    progress,
    sources: undefined,
    git: undefined,
    identity: 'https://ci.example/run/7',
    sourceDateEpoch: undefined,
  });
  const { environments, jobs, datastore } = world.workspace;
  const shelf = memoryShelf(world.sec, world.locks);
  const inside = createInside(zones, {
    trust: async () => loadTrust(policy),
    registry: async () => life.port('sec', world.locks.registry),
    importer: async () => life.port('importer', world.importer),
    locks: async () => life.port('locks', world.locks),
    inventory: async () => shelf,
    remover: async () => life.port('remover', shelf),
    signer: async () => life.port('signer', identities.receiptSigner),
    workspace: async () => ({
      environments: life.port('environments', environments),
      jobs: life.port('jobs', jobs),
      datastore: life.port('datastore', datastore),
    }),
    records: async () => life.port('records', world.recordsOf(options.store)),
    clock,
    progress,
    toolVersion: '0.1.0',
  });
  return { life, outside, inside, events, effects };
}

const lockless: Pick<Locks, 'lockTag'> = {
  lockTag: async () => Promise.reject(new AmlpromoteError('FORBIDDEN', 'no right to write metadata')),
};

/** As scanners do, it says when it looked. */
function scannerOf(clock: ManualClock, found: Partial<ScanReport> = {}): Scanner {
  const { database, scanner } = report(found);
  return {
    cacheKey: async () => `${scanner.name} ${scanner.version} ${database.digest}`,
    identity: async () => ({ name: scanner.name, version: scanner.version, database: database.digest }),
    scan: async ({ image }) => {
      const time = clock.now().toISOString().replace(/\.\d+/, '');
      return {
        report: report({ image: image.digest, startedAt: time, finishedAt: time, ...found }),
        sbom: Buffer.from(
          JSON.stringify({
            ...bom,
            metadata: { tools: { components: [{ ...scanner, type: 'application' }] } },
          }),
        ),
      };
    },
  };
}
