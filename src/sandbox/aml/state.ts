import { join } from 'node:path';
import type { Blocks } from '../blob/blocks.ts';
import { openBlocks } from '../blob/blocks.ts';
import type { SharedAccess } from '../blob/sas.ts';
import { openSharedAccess } from '../blob/sas.ts';
import type { BlobStore } from '../blob/store.ts';
import { openBlobStore } from '../blob/store.ts';
import type { Compute } from '../compute/compute.ts';
import { startCompute } from '../compute/compute.ts';
import { connectEngine } from '../compute/connect.ts';
import type { SandboxContext } from '../context.ts';
import type { AssetKind, Assets } from './assets.ts';
import { openAssets } from './assets.ts';
import type { Environments } from './environments.ts';
import { openEnvironments } from './environments.ts';
import type { Jobs } from './jobs.ts';
import { openJobs } from './jobs.ts';
import { datastoreContainers } from './uris.ts';
import { nodes } from './workspace-body.ts';

/** Everything behind the workspace: what ARM, run history, storage and the compute share. */
export interface AmlState {
  readonly environments: Environments;
  readonly jobs: Jobs;
  readonly assets: Readonly<Record<AssetKind, Assets>>;
  readonly blobs: BlobStore;
  readonly blocks: Blocks;
  readonly access: SharedAccess;
  readonly compute: Compute;
}

const states = new WeakMap<SandboxContext, AmlState>();

/**
 * The one state of a sandbox, opened with the first handlers that ask. Its compute starts at once: jobs that were lost
 * or still wait are seen to before anybody looks, and it is closed when the sandbox stops.
 */
export function amlState(context: SandboxContext): AmlState {
  const known = states.get(context);
  if (known) return known;
  const directory = join(context.stateDirectory, 'aml');
  const environments = openEnvironments(join(directory, 'environments'));
  const jobs = openJobs(join(directory, 'jobs'));
  const assets = {
    data: openAssets(join(directory, 'data')),
    models: openAssets(join(directory, 'models')),
    codes: openAssets(join(directory, 'codes')),
  };
  const blobs = openBlobStore(join(context.stateDirectory, 'storage'), context.clock);
  for (const container of Object.values(datastoreContainers)) blobs.createContainer(container);
  const compute = startCompute({
    context,
    directory: join(context.stateDirectory, 'compute'),
    jobs,
    environments,
    assets,
    blobs,
    nodes,
    connect: () => connectEngine(context.engineHost),
  });
  const access = openSharedAccess(directory, context.clock);
  const state = { environments, jobs, assets, blobs, blocks: openBlocks(blobs), access, compute };
  states.set(context, state);
  context.onStop(() => compute.close());
  return state;
}
