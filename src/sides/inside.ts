import { AmlpromoteError } from '../domain/errors.ts';
import type { ReleaseDocument } from '../domain/release.ts';
import type { Zones } from '../manifest/zones.ts';
import type { WorkspaceChoice } from '../policy/workspace-choice.ts';
import { chooseWorkspace } from '../policy/workspace-choice.ts';
import { requireAdmittedRepository, requireApprovedOrigin } from '../policy/zones.ts';
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
import { requireVerified } from '../steps/verify.ts';
import type { VerifiedRelease } from '../steps/verify.ts';
import { insideStatus } from './status.ts';
import type { InsideStatus, StatusSubject } from './status.ts';
import { createVerifier } from './verify.ts';
import type { Verifier, VerifierPorts } from './verify.ts';

/** What the sensitive side has. Parts are opened when a step needs them, so `verify` asks for no key and no workspace. */
export interface InsidePorts extends VerifierPorts {
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
  readonly toolVersion: string;
}

/** Where a release comes from, or will. */
export type ReleaseOrigin = Pick<ReleaseDocument, 'registry' | 'repository'>;

/** The steps of the sensitive side. All take a release and nothing of the other zone. */
export interface Inside extends Verifier {
  /** That there is a policy, with its certificates: without one nothing is allowed. @throws POLICY_MISSING, MANIFEST_INVALID */
  requirePolicy(): Promise<void>;
  /** Whether it could be registered at all, from the zones manifest alone. @throws ROUTE_NOT_APPROVED, NOT_ADMITTED, USAGE */
  requireAdmitted(from: ReleaseOrigin, choice: WorkspaceChoice): void;
  /** That there is a receipt key to sign with, before anything is made or carried for it. @throws KEY_MISSING */
  requireKey(): Promise<void>;
  /** Whether a compute that was asked for is there, before anything is done for a job on it. @throws USAGE */
  requireCompute(from: ReleaseOrigin, choice: WorkspaceChoice): Promise<void>;
  import(document: ReleaseDocument): Promise<ImportReport>;
  /** Removes from quarantine what an import of it left there. */
  discard(document: ReleaseDocument): Promise<DiscardReport>;
  register(document: ReleaseDocument, choice: WorkspaceChoice): Promise<RegisterReport>;
  run(document: ReleaseDocument, choice: WorkspaceChoice): Promise<RunReport>;
  /** Reads only, and asks for no policy. @param only name of a workspace; by default all admitted ones */
  status(about: StatusSubject, only: string | undefined): Promise<InsideStatus>;
}

export function createInside(zones: Zones, ports: InsidePorts): Inside {
  const { progress, clock, signal } = ports;
  const context = { progress, clock, signal };
  const verifier = createVerifier(zones, true, ports);
  /** Register and run verify again: cheap, and nothing unverified can reach a workspace. */
  const verified = async (document: ReleaseDocument): Promise<VerifiedRelease> =>
    requireVerified(await verifier.verify(document));

  return {
    ...verifier,
    requirePolicy: async () => {
      await ports.trust();
    },
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
    import: async (document) => {
      requireApprovedOrigin(zones, document);
      requireAdmittedRepository(zones, document.repository);
      return await importRelease(
        { document, trust: await ports.trust() },
        {
          importer: await ports.importer(),
          registry: await ports.registry(),
          locks: await ports.locks(),
          signer: await ports.signer(),
          toolVersion: ports.toolVersion,
          ...context,
        },
      );
    },
    discard: async (document) =>
      await discardRelease(document, {
        registry: await ports.registry(),
        inventory: await ports.inventory(),
        remover: await ports.remover(),
        ...context,
      }),
    register: async (document, choice) => {
      const workspace = chooseWorkspace(zones, document.repository, choice);
      const { environments } = await ports.workspace(workspace.id);
      return await register({ verified: await verified(document), workspace }, { environments, ...context });
    },
    run: async (document, choice) => {
      const workspace = chooseWorkspace(zones, document.repository, choice);
      const { environments, jobs, datastore } = await ports.workspace(workspace.id);
      const content = (await ports.registry()).repository(document.repository);
      return await run(
        { verified: await verified(document), workspace },
        { environments, jobs, datastore, records: await ports.records(), content, ...context },
      );
    },
    status: async (about, only) => await insideStatus(about, only, zones, ports),
  };
}
