import type https from 'node:https';
import type { TokenCredential } from '@azure/identity';
import { interruption, tell } from '../../network/azure-error.ts';
import { refusePage } from '../../network/causes.ts';
import { requestTimeoutMs } from './options.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly url: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpOptions {
  readonly agent: https.Agent;
  /** Left out: no token is sent. */
  readonly authentication?: { readonly credential: TokenCredential; readonly scope: string };
  readonly signal?: AbortSignal | undefined;
  readonly retry?: { readonly maxRetries: number; readonly retryDelayInMs: number } | undefined;
}

/**
 * The SDKs' own pipeline (retries, `Retry-After`, tokens, claims challenges) without their models: bodies come back as they were sent.
 * Redirects are not followed. Throws what the pipeline throws, and UNREACHABLE for a web page; any HTTP status is an answer.
 */
export async function createHttp(
  options: HttpOptions,
): Promise<(request: HttpRequest) => Promise<HttpAnswer>> {
  const core = await import('@azure/core-rest-pipeline');
  const pipeline = core.createPipelineFromOptions({
    agent: options.agent,
    ...(options.retry ? { retryOptions: options.retry } : {}),
    redirectOptions: { maxRetries: 0 },
  });
  const { authentication, signal } = options;
  if (authentication) {
    const { credential, scope: scopes } = authentication;
    pipeline.addPolicy(core.bearerTokenAuthenticationPolicy({ credential, scopes }), { phase: 'Sign' });
  }
  const client = core.createDefaultHttpClient();
  return async ({ method, url, body, headers = {} }) => {
    const interrupted = interruption(signal);
    if (interrupted) throw interrupted;
    const response = await pipeline.sendRequest(
      client,
      core.createPipelineRequest({
        url,
        method,
        timeout: requestTimeoutMs,
        headers: core.createHttpHeaders({
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        }),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal ? { abortSignal: signal } : {}),
      }),
    );
    refusePage(
      response.status,
      response.headers.get('content-type'),
      new URL(url).host,
      `${method} of ${tell(url)}`,
    );
    return { status: response.status, body: response.bodyAsText ?? '' };
  };
}
