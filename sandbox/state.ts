import { join } from 'node:path';
import type { AssetKind, Assets } from './aml/assets.ts';
import { openAssets } from './aml/assets.ts';
import type { Environments } from './aml/environments.ts';
import { openEnvironments } from './aml/environments.ts';
import type { Jobs } from './aml/jobs.ts';
import { openJobs } from './aml/jobs.ts';
import { datastoreContainers } from './aml/uris.ts';
import type { Blocks } from './blob/blocks.ts';
import { openBlocks } from './blob/blocks.ts';
import type { SharedAccess } from './blob/sas.ts';
import { openSharedAccess } from './blob/sas.ts';
import type { BlobStore } from './blob/store.ts';
import { openBlobStore } from './blob/store.ts';
import type { EventLog } from './events.ts';
import { openEventLog } from './events.ts';
import type { Roles } from './identity/roles.ts';
import { openRoles } from './identity/roles.ts';
import type { TokenKey } from './identity/tokens.ts';
import { openTokenKey } from './identity/tokens.ts';
import type { RegistryStore } from './store/registry.ts';
import { openRegistryStore } from './store/registry.ts';
import type { ZoneName } from './topology.ts';
import { registries } from './topology.ts';

export interface SandboxClock {
  now(): Date;
}

/** What the workspace and its storage account hold: shared by ARM, run history, storage and the compute. */
export interface WorkspaceState {
  readonly environments: Environments;
  readonly jobs: Jobs;
  readonly assets: Readonly<Record<AssetKind, Assets>>;
  readonly blobs: BlobStore;
  readonly blocks: Blocks;
  readonly access: SharedAccess;
}

/** Everything that survives a restart, in `DIR/state`. */
export interface SandboxState {
  readonly tokens: TokenKey;
  readonly roles: Roles;
  readonly events: EventLog;
  /** The content of the two registries. */
  readonly stores: Readonly<Record<ZoneName, RegistryStore>>;
  readonly workspace: WorkspaceState;
}

/** Opens, or begins, the state of a sandbox. Once for a sandbox: two openings would not see each other's writes. */
export function openState(directory: string, clock: SandboxClock): SandboxState {
  const registry = (zone: ZoneName): RegistryStore =>
    openRegistryStore(join(directory, 'registries', registries[zone].name), clock);
  return {
    tokens: openTokenKey(directory),
    roles: openRoles(directory),
    events: openEventLog(join(directory, 'events.jsonl')),
    stores: { nonsensitive: registry('nonsensitive'), sensitive: registry('sensitive') },
    workspace: openWorkspace(directory, clock),
  };
}

function openWorkspace(stateDirectory: string, clock: SandboxClock): WorkspaceState {
  const directory = join(stateDirectory, 'aml');
  const blobs = openBlobStore(join(stateDirectory, 'storage'), clock);
  for (const container of Object.values(datastoreContainers)) blobs.createContainer(container);
  return {
    environments: openEnvironments(join(directory, 'environments')),
    jobs: openJobs(join(directory, 'jobs')),
    assets: {
      data: openAssets(join(directory, 'data')),
      models: openAssets(join(directory, 'models')),
      codes: openAssets(join(directory, 'codes')),
    },
    blobs,
    blocks: openBlocks(blobs),
    access: openSharedAccess(directory, clock),
  };
}
