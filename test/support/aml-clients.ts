import { AzureMachineLearningWorkspaces } from '@azure/arm-machinelearning';
import type { HttpMethods, PipelineResponse } from '@azure/core-rest-pipeline';
import { createPipelineRequest } from '@azure/core-rest-pipeline';
import { BlobServiceClient } from '@azure/storage-blob';
import type { IdentityName } from '../../sandbox/topology.ts';
import { storage, workspace } from '../../sandbox/topology.ts';
import type { Vantage } from '../../sandbox/http.ts';
import type { AmlSandbox } from './aml-sandbox.ts';

export interface Caller {
  readonly identity?: IdentityName;
  readonly vantage?: Vantage;
}

const noRetry = { maxRetries: 0 };

/** The real SDK, unmodified, as an adapter would make it. */
export const mlClient = (
  sandbox: AmlSandbox,
  { identity, vantage }: Caller = {},
): AzureMachineLearningWorkspaces =>
  new AzureMachineLearningWorkspaces(sandbox.credential(identity), workspace.subscription, {
    agent: sandbox.agent(vantage),
    retryOptions: noRetry,
  });

/** The workspace's storage account through the real SDK. */
export function blobClient(sandbox: AmlSandbox, { identity, vantage }: Caller = {}): BlobServiceClient {
  // Not a literal: the option reaches the pipeline, but its type does not know it.
  const options = { agent: sandbox.agent(vantage), retryOptions: { maxTries: 1 } };
  return new BlobServiceClient(`https://${storage.blobHost}`, sandbox.credential(identity), options);
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: PipelineResponse['headers'];
  readonly body: unknown;
}

export interface RawOptions extends Caller {
  readonly method?: HttpMethods;
  readonly body?: unknown;
  /** Default 2026-05-01; '' leaves it out. */
  readonly apiVersion?: string;
  readonly query?: string;
}

/** Raw ARM through the SDK's own pipeline: what the model classes would drop stays. `path` is below the workspace, or whole when it is a URL. */
export async function raw(sandbox: AmlSandbox, path: string, options: RawOptions = {}): Promise<RawAnswer> {
  const { method = 'GET', body, apiVersion = '2026-05-01', query = '' } = options;
  const version = apiVersion === '' ? '' : `api-version=${apiVersion}`;
  const url = path.startsWith('https://')
    ? path
    : `https://management.azure.com${path.startsWith('/subscriptions/') ? '' : workspace.id}${path}?${[version, query].filter(Boolean).join('&')}`;
  const request = createPipelineRequest({ url, method });
  if (body !== undefined) {
    request.headers.set('content-type', 'application/json');
    request.body = JSON.stringify(body);
  }
  const response = await mlClient(sandbox, options).sendRequest(request);
  const text = response.bodyAsText ?? '';
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}
