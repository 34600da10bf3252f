import type { ExecutionContext } from 'ava';
import type { WorkspaceOptions } from '../../../src/adapters/aml/options.ts';
import type { Vantage } from '../../../sandbox/http.ts';
import type { IdentityName } from '../../../sandbox/topology.ts';
import { workspace } from '../../../sandbox/topology.ts';
import type { AmlSandbox } from '../../support/aml-sandbox.ts';
import { startAmlSandbox } from '../../support/aml-sandbox.ts';

export interface Who {
  readonly identity?: IdentityName;
  readonly vantage?: Vantage;
  readonly workspaceId?: string;
  readonly signal?: AbortSignal;
}

/** The sandbox's workspace, and what an adapter needs to reach it as somebody from somewhere. */
export async function startWorkspace(t: ExecutionContext): Promise<{
  sandbox: AmlSandbox;
  as: (who?: Who) => WorkspaceOptions;
}> {
  const sandbox = await startAmlSandbox(t);
  return {
    sandbox,
    as: ({ identity, vantage, workspaceId = workspace.id, signal } = {}) => ({
      credential: sandbox.credential(identity),
      agent: sandbox.agent(vantage),
      workspaceId,
      retry: { maxRetries: 1, retryDelayInMs: 1 },
      ...(signal ? { signal } : {}),
    }),
  };
}

export const otherWorkspace = workspace.id.replace(/ml-risk$/, 'ml-gone');
