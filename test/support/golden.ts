import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { createEnvironments } from '../../src/adapters/aml/environments.ts';
import { openFileSigner } from '../../src/adapters/signer/file.ts';
import { readReleaseFile } from '../../src/cli/release-file.ts';
import type { BuildFacts } from '../../src/domain/build.ts';
import type { Digest } from '../../src/domain/digest.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { quarantineOf } from '../../src/domain/names.ts';
import type { ReleaseDocument } from '../../src/domain/release.ts';
import type { ScanReport } from '../../src/domain/scan.ts';
import { encodeCarriedManifest } from '../../src/evidence/carried-manifest.ts';
import { highestRelease, readReceipts } from '../../src/evidence/receipts.ts';
import type { Receipt } from '../../src/evidence/receipts.ts';
import { loadTrust } from '../../src/evidence/trust.ts';
import type { Trust } from '../../src/evidence/trust.ts';
import { createInside } from '../../src/sides/inside.ts';
import type { Inside } from '../../src/sides/inside.ts';
import { loadImage } from '../../src/manifest/image.ts';
import type { ImageSpec } from '../../src/manifest/image.ts';
import { loadPolicy } from '../../src/manifest/policy.ts';
import type { Policy } from '../../src/manifest/policy.ts';
import { loadZones } from '../../src/manifest/zones.ts';
import type { Zones } from '../../src/manifest/zones.ts';
import { parseManifest } from '../../src/oci/manifest.ts';
import { openStore } from '../../src/oci/store/store.ts';
import { createOutside } from '../../src/sides/outside.ts';
import type { Outside } from '../../src/sides/outside.ts';
import type { Seal } from '../../src/ports/seal.ts';
import { testSeal } from './test-seal.ts';
import { workspace } from '../../sandbox/topology.ts';
import { createBuiltinScanner } from '../../src/scanner/builtin.ts';
import { readBuildFacts } from '../../src/steps/build/facts.ts';
import { carriedOf } from '../../src/steps/release/carried.ts';
import { readScanResult } from '../../src/steps/scan-result.ts';
import { verifyRelease } from '../../src/steps/verify.ts';
import type { VerificationReport } from '../../src/steps/verify.ts';
import { startAmlSandbox } from './aml-sandbox.ts';
import { raw } from './aml-clients.ts';
import { goldenInputs, goldenMachine, loadLayout, loadLocks, stateOf } from './golden-files.ts';
import { memoryShelf } from './memory-shelf.ts';
import { memoryRecords } from './memory-workspace.ts';
import { manualClock } from './manual-clock.ts';
import type { ManualClock } from './manual-clock.ts';
import { memoryImporter } from './memory-importer.ts';
import { memoryLocks } from './memory-locks.ts';
import type { MemoryLocks } from './memory-locks.ts';
import { memoryRegistry } from './memory-registry.ts';
import type { MemoryRegistry } from './memory-registry.ts';

/** After everything that happened there, and before anything of it is stale. */
const goldenTime = '2026-11-02T12:00:00Z';
const toolVersion = '0.1.0';

/** Where a release is judged: outside, in quarantine, or in the final repository; `alone` is the last one without its receipts. */
export type GoldenPlace = 'outside' | 'quarantine' | 'final' | 'alone';

/** A copy of the golden files with today's steps wired to them. All that depends on how steps are called is in this file. */
export interface Golden {
  readonly clock: ManualClock;
  readonly zones: { readonly outside: Zones; readonly inside: Zones };
  readonly policies: { readonly outside: Policy; readonly inside: Policy };
  readonly dev: MemoryRegistry;
  /** As it is; clients see it through `locks.registry`. */
  readonly sec: MemoryRegistry;
  readonly locks: MemoryLocks;
  /** Digests that import has asked the route for. */
  readonly transfers: readonly Digest[];
  /** By the name of the file, without `.yaml`. */
  image(name: string): Promise<ImageSpec>;
  /** By the name of the file, without `.json`. */
  document(name: string): Promise<ReleaseDocument>;
  trust(side: 'outside' | 'inside'): Promise<Trust>;
  /** What of an image manifest crosses with an image, encoded now: digests of its JSON and of the artifact. */
  carried(manifest: string, image: Digest): Promise<{ readonly json: Digest; readonly artifact: Digest }>;
  /** What the golden store knows about an image. */
  stored(repository: string, image: Digest): Promise<Stored>;
  /** Of the golden store. */
  prune(): Promise<unknown>;
  /** Those that the inside policy believes, of the final repository. */
  receipts(repository: string): Promise<readonly Receipt[]>;
  /** The highest counter that they speak of. */
  highest(repository: string): Promise<number>;
  /** The steps of the outside on a machine with the golden store, or with an empty one. No engine can be asked. */
  outside(which?: 'with the store' | 'new'): Outside;
  inside(): Inside;
  /** The inside with a real adapter over a sandbox in which the golden environments are registered. */
  insideWithWorkspace(t: ExecutionContext): Promise<Inside>;
  verify(place: GoldenPlace, document: ReleaseDocument): Promise<VerificationReport>;
  /** Everything that a registry shows: manifests, tags with what they name, locks. */
  state(registry: MemoryRegistry): Promise<unknown>;
}

interface Stored {
  readonly facts: BuildFacts | undefined;
  readonly scan: ScanReport | undefined;
}

const repositories = ['ml/churn-score', 'ml/churn-train'];

/** 0.1.0 sealed nothing: this stands for a machine that believed its store, so that what lay there is read. */
const oldMachine: Seal = { seal: () => '', isSealed: () => true };

export async function openGolden(): Promise<Golden> {
  const folder = goldenInputs();
  let machine: ReturnType<typeof goldenMachine> | undefined;
  const withStore = () => (machine ??= goldenMachine(false));
  const at = (...parts: string[]): string => path.join(folder, ...parts);
  const clock = manualClock(goldenTime);
  const progress = (): void => undefined;
  const source = memoryRegistry('registry.example');
  const dev = memoryRegistry('contosodev.azurecr.io');
  const sec = memoryRegistry('contososec.azurecr.io');
  for (const name of ['mirror/python', 'mirror/churn-score']) loadLayout(source, 'source', name);
  for (const name of repositories) {
    loadLayout(dev, 'outside', name);
    loadLayout(sec, 'inside', name);
    loadLayout(sec, 'inside', quarantineOf(name));
  }
  const locks = memoryLocks(sec);
  await loadLocks(locks);
  const importer = memoryImporter(dev, sec);
  const shelf = memoryShelf(sec, locks);
  const policies = {
    outside: await loadPolicy(at('manifests/outside/policy.yaml')),
    inside: await loadPolicy(at('manifests/inside/policy.yaml')),
  };
  const zones = {
    outside: await loadZones(at('manifests/outside/zones.yaml')),
    inside: await loadZones(at('manifests/inside/zones.yaml')),
  };
  const signerOf = (key: string, certificate: string) => async () =>
    openFileSigner({ keyFile: at('keys', key), certificateFile: at('keys', certificate) });
  const never = async (): Promise<never> => Promise.reject(new Error('not needed here'));
  // A machine without an engine: what was built before is found all the same.
  const noEngine = async (): Promise<never> =>
    Promise.reject(new AmlpromoteError('ENGINE_UNREACHABLE', 'no engine here'));
  const insideWith = (environments: () => Promise<ReturnType<typeof createEnvironments>>): Inside =>
    createInside(zones.inside, {
      trust: async () => loadTrust(policies.inside),
      registry: async () => locks.registry,
      importer: async () => importer,
      locks: async () => locks,
      signer: signerOf('receipt-test-key.pem', 'receipt.pem'),
      workspace: async () => ({
        environments: await environments(),
        jobs: {} as never,
        datastore: {} as never,
      }),
      records: async () => memoryRecords(),
      inventory: async () => shelf,
      remover: async () => shelf,
      clock,
      progress,
      toolVersion,
    });

  const receipts = async (repository: string): Promise<readonly Receipt[]> =>
    readReceipts(sec.repository(repository), (await loadTrust(policies.inside)).receipts);

  return {
    clock,
    zones,
    policies,
    dev,
    sec,
    locks,
    transfers: importer.requests,
    image: async (name) => loadImage(at('manifests/images', `${name}.yaml`)),
    document: async (name) => readReleaseFile(at('releases', `${name}.json`)),
    trust: async (side) => loadTrust(policies[side]),
    carried: async (name, image) => {
      const { manifest, inputs } = await carriedOf(
        await loadImage(at('manifests/images', `${name}.yaml`)),
        image,
      );
      const subject = await dev.repository(manifest.repository).resolve(image);
      const artifact = encodeCarriedManifest(manifest, inputs, subject!);
      const [json] = parseManifest(artifact.manifest).layers;
      return { json: json!.digest, artifact: artifact.manifest.descriptor.digest };
    },
    stored: async (repository, image) => {
      const store = await openStore(withStore().store);
      return {
        facts: await readBuildFacts(store, repository, image, oldMachine),
        scan: (await readScanResult(store, repository, image, oldMachine))?.report,
      };
    },
    prune: async () => (await openStore(withStore().store)).prune(),
    receipts,
    highest: async (repository) => highestRelease(await receipts(repository)),
    outside: (which = 'with the store') => {
      const { store, cache } = which === 'new' ? goldenMachine(true) : withStore();
      return createOutside(zones.outside, {
        trust: async () => loadTrust(policies.outside),
        store: async () => openStore(store),
        registry: async () => dev,
        engine: noEngine,
        seal: async () => (which === 'new' ? testSeal() : oldMachine),
        scanner: async () =>
          createBuiltinScanner({
            databaseDir: at('advisories'),
            cache: { directory: cache, seal: testSeal() },
            clock,
            version: toolVersion,
          }),
        signer: signerOf('release-test-key.pem', 'release.pem'),
        clock,
        progress,
        sources: async () => source,
        git: async () => ({ commit: 'd'.repeat(40), dirty: true }),
        identity: 'somebody else',
        sourceDateEpoch: undefined,
        locks: async () => memoryLocks(dev),
      });
    },
    inside: () => insideWith(never),
    insideWithWorkspace: async (t) => {
      const environments = await registeredEnvironments(t, at('workspace/environments.json'));
      return insideWith(async () => environments);
    },
    verify: async (place, document) => {
      const { repository } = document;
      const registry = place === 'outside' ? dev : sec;
      const name = place === 'quarantine' ? quarantineOf(repository) : repository;
      return await verifyRelease(
        {
          document,
          host: registry.host,
          repository: name,
          content: registry.repository(name),
          ...(place === 'outside' || place === 'alone' ? {} : { receipts: sec.repository(repository) }),
          trust: await loadTrust(place === 'outside' ? policies.outside : policies.inside),
        },
        { clock, progress },
      );
    },
    state: async (registry) => stateOf(registry, repositories, locks),
  };
}

async function registeredEnvironments(
  t: ExecutionContext,
  file: string,
): Promise<ReturnType<typeof createEnvironments>> {
  const sandbox = await startAmlSandbox(t);
  const bodies = JSON.parse(readFileSync(file, 'utf8')) as Record<
    string,
    { readonly properties: Readonly<Record<string, unknown>> }
  >;
  for (const [place, { properties }] of Object.entries(bodies)) {
    // What the service adds is not written; `condaFile: ""` is its way to say that there is none.
    const { image, osType, description, tags, properties: own } = properties;
    const body = { properties: { image, osType, description, tags, properties: own } };
    const { status } = await raw(sandbox, place, { method: 'PUT', body });
    if (status >= 300) throw new Error(`${place} was answered with ${String(status)}`);
  }
  return createEnvironments({
    credential: sandbox.credential(),
    agent: sandbox.agent(),
    workspaceId: workspace.id,
  });
}
