import { AmlpromoteError } from '../domain/errors.ts';
import type { Progress } from '../domain/events.ts';
import type { ReleaseDocument } from '../domain/release.ts';
import type { Policy } from '../manifest/policy.ts';
import type { Zones } from '../manifest/zones.ts';
import type { WorkspaceChoice } from '../policy/workspace-choice.ts';
import { chooseWorkspace } from '../policy/workspace-choice.ts';
import { requireAdmittedRepository, requireApprovedOrigin } from '../policy/zones.ts';
import type { Clock } from '../ports/clock.ts';
import type { Registry } from '../ports/content.ts';
import type { Importer, Inventory, Locks, Remover } from '../ports/importer.ts';
import type { RunRecords } from '../ports/run-records.ts';
import type { Signer } from '../ports/signer.ts';
import type { Datastore, Environments, Jobs } from '../ports/workspace.ts';
import { importRelease } from '../steps/import.ts';
import type { ImportReport } from '../steps/import.ts';
import { discardRelease } from '../steps/import/discard.ts';
import type { DiscardReport } from '../steps/import/discard.ts';
import { register } from '../steps/register.ts';
import type { RegisterReport } from '../steps/register.ts';
import { run } from '../steps/run.ts';
import type { RunReport } from '../steps/run.ts';
import { verifyRelease } from '../steps/verify.ts';
import type { VerificationReport, VerifiedRelease } from '../steps/verify.ts';
import { requireAllowed } from '../steps/verify/require.ts';

/** What the sensitive side has. Parts are opened when a step needs them, so `verify` asks for no key and no workspace. */
export interface InsidePorts {
  readonly registry: () => Promise<Registry>;
  readonly importer: () => Promise<Importer>;
  readonly locks: () => Promise<Locks>;
  /** Of the sensitive registry. */
  readonly inventory: () => Promise<Inventory>;
  readonly remover: () => Promise<Remover>;
  /** The receipt key. */
  readonly signer: () => Promise<Signer>;
  readonly workspace: (
    id: string,
  ) => Promise<{ environments: Environments; jobs: Jobs; datastore: Datastore }>;
  /** What this machine knows of its smoke jobs. */
  readonly records: () => Promise<RunRecords>;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly toolVersion: string;
  readonly signal?: AbortSignal;
}

/** Where a release comes from, or will. */
export type ReleaseOrigin = Pick<ReleaseDocument, 'registry' | 'repository'>;

/** The steps of the sensitive side. All take a release and nothing of the other zone. */
export interface Inside {
  /** Whether it could be registered at all, from the zones manifest alone. @throws ROUTE_NOT_APPROVED, NOT_ADMITTED, USAGE */
  requireAdmitted(from: ReleaseOrigin, choice: WorkspaceChoice): void;
  /** That there is a receipt key to sign with, before anything is made or carried for it. @throws KEY_MISSING */
  requireKey(): Promise<void>;
  /** Whether a compute that was asked for is there, before anything is done for a job on it. @throws USAGE */
  requireCompute(from: ReleaseOrigin, choice: WorkspaceChoice): Promise<void>;
  import(document: ReleaseDocument): Promise<ImportReport>;
  /** Removes from quarantine what an import of it left there. */
  discard(document: ReleaseDocument): Promise<DiscardReport>;
  /** What is in the final repository, as register and run see it. */
  verify(document: ReleaseDocument): Promise<VerificationReport>;
  register(document: ReleaseDocument, choice: WorkspaceChoice): Promise<RegisterReport>;
  run(document: ReleaseDocument, choice: WorkspaceChoice): Promise<RunReport>;
}

export function createInside(zones: Zones, policy: Policy, ports: InsidePorts): Inside {
  const { progress, clock } = ports;
  const more = ports.signal ? { signal: ports.signal } : {};

  const verify = async (document: ReleaseDocument): Promise<VerificationReport> => {
    requireApprovedOrigin(zones, document);
    const registry = await ports.registry();
    const content = registry.repository(document.repository);
    return await verifyRelease(
      { document, host: registry.host, repository: document.repository, content, receipts: content },
      policy,
      { clock, progress },
    );
  };
  /** Register and run verify again: cheap, and nothing unverified can reach a workspace. */
  const verified = async (document: ReleaseDocument): Promise<VerifiedRelease> => {
    const report = await verify(document);
    requireAllowed(report);
    if (!report.verified) throw new TypeError('an allowed release without its proof');
    return report.verified;
  };

  return {
    requireAdmitted: (from, choice) => {
      requireApprovedOrigin(zones, from);
      chooseWorkspace(zones, from.repository, choice);
    },
    requireKey: async () => {
      await ports.signer();
    },
    requireCompute: async (from, choice) => {
      if (choice.compute === undefined) return;
      const { id, compute = choice.compute, known } = chooseWorkspace(zones, from.repository, choice);
      try {
        await (await ports.workspace(id)).jobs.requireCompute(compute);
      } catch (error) {
        if (!(error instanceof AmlpromoteError) || error.code !== 'USAGE') throw error;
        throw new AmlpromoteError('USAGE', error.message, {
          nextSteps: [`${zones.file} names these for that workspace: ${known}.`, ...error.nextSteps],
          cause: error,
        });
      }
    },
    verify,
    import: async (document) => {
      requireApprovedOrigin(zones, document);
      requireAdmittedRepository(zones, document.repository);
      return await importRelease(
        document,
        policy,
        {
          importer: await ports.importer(),
          registry: await ports.registry(),
          locks: await ports.locks(),
          signer: await ports.signer(),
          clock,
          progress,
          toolVersion: ports.toolVersion,
        },
        ports.signal,
      );
    },
    discard: async (document) =>
      await discardRelease(document, {
        registry: await ports.registry(),
        inventory: await ports.inventory(),
        remover: await ports.remover(),
        progress,
      }),
    register: async (document, choice) => {
      const workspace = chooseWorkspace(zones, document.repository, choice);
      const { environments } = await ports.workspace(workspace.id);
      return await register(
        { verified: await verified(document), workspace },
        { environments, clock, progress, ...more },
      );
    },
    run: async (document, choice) => {
      const workspace = chooseWorkspace(zones, document.repository, choice);
      const { environments, jobs, datastore } = await ports.workspace(workspace.id);
      const content = (await ports.registry()).repository(document.repository);
      return await run(
        { verified: await verified(document), workspace },
        { environments, jobs, datastore, records: await ports.records(), content, clock, progress, ...more },
      );
    },
  };
}
