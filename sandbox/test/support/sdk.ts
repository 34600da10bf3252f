import { join } from 'node:path';
import { ContainerRegistryManagementClient } from '@azure/arm-containerregistry';
import { ContainerRegistryClient, ContainerRegistryContentClient } from '@azure/container-registry';
import { WorkloadIdentityCredential } from '@azure/identity';
import type { ExecutionContext } from 'ava';
import type { Vantage } from '../../http.ts';
import type { RunningSandbox } from '../../index.ts';
import { identities, registries, tenant } from '../../topology.ts';
import { agentOf } from './agent.ts';

/** The unmodified SDKs of one side, routed into the sandbox. */
export function sdkOf(t: ExecutionContext, sandbox: RunningSandbox, vantage: Vantage) {
  const agent = agentOf(t, sandbox, vantage);
  const own = vantage === 'outside' ? registries.nonsensitive : registries.sensitive;
  const options = { agent, retryOptions: { maxRetries: 0 } };
  const credential = new WorkloadIdentityCredential({
    tenantId: tenant,
    clientId: identities[`${vantage}-promoter`].clientId,
    tokenFilePath: join(sandbox.description.directory, vantage, 'token'),
    ...options,
  });
  return {
    agent,
    credential,
    arm: new ContainerRegistryManagementClient(credential, own.subscription, options),
    metadata: (host: string = own.host) =>
      new ContainerRegistryClient(`https://${host}`, credential, options),
    content: (repository: string, host: string = own.host) =>
      new ContainerRegistryContentClient(`https://${host}`, repository, credential, options),
  };
}
