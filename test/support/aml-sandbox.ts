import { join } from 'node:path';
import type https from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { TokenCredential } from '@azure/identity';
import type { ExecutionContext } from 'ava';
import { createAgent } from '../../src/network/agent.ts';
import { acrHandlers } from '../../sandbox/acr/index.ts';
import { createPlane } from '../../sandbox/acr/plane.ts';
import { amlHandlers } from '../../sandbox/aml/handlers.ts';
import { blobHandlers } from '../../sandbox/blob/handlers.ts';
import type { SandboxContext } from '../../sandbox/context.ts';
import { createContext, entraIssuer } from '../../sandbox/context.ts';
import { historyHandlers } from '../../sandbox/history/handlers.ts';
import type { Vantage } from '../../sandbox/http.ts';
import { listenLoopback, listenVantage } from '../../sandbox/server.ts';
import { openServerIdentity } from '../../sandbox/tls.ts';
import type { IdentityName } from '../../sandbox/topology.ts';
import { identities, registries } from '../../sandbox/topology.ts';
import { temporaryDirectory } from './temp-directory.ts';

/** The Azure ML half of the sandbox alone, behind its real TLS ports, with tokens that need no sign-in. */
export interface AmlSandbox {
  readonly context: SandboxContext;
  readonly directory: string;
  agent(vantage?: Vantage): https.Agent;
  credential(identity?: IdentityName): TokenCredential;
  /** As `sandbox stop`; the directory stays. */
  stop(): Promise<void>;
}

/** An address where nothing listens, for sandboxes whose tests need no engine: they must not find this machine's. */
export const noEngine = 'unix:///nonexistent/engine.sock';

/** Stopped when the test ends. `directory` continues a sandbox that was stopped, or killed. */
export async function startAmlSandbox(
  t: ExecutionContext,
  options: {
    readonly engineHost?: string;
    readonly directory?: string;
    readonly clock?: { now(): Date };
  } = {},
): Promise<AmlSandbox> {
  const directory = options.directory ?? (await temporaryDirectory(t));
  const owned = createContext({ engineHost: noEngine, ...options, directory });
  const { context } = owned;
  const handlers = [...amlHandlers(context), ...blobHandlers(context), ...historyHandlers(context)];
  const identity = await openServerIdentity(directory, context.stateDirectory, new Date());
  const inside = await listenVantage('inside', identity, { context, handlers, port: undefined });
  const outside = await listenVantage('outside', identity, { context, handlers, port: undefined });
  const registry = await listenLoopback(registries.sensitive.host, {
    context,
    handlers: acrHandlers(createPlane(context, 'sensitive')),
    port: undefined,
  });
  const loopback = `127.0.0.1:${registry.port}`;
  owned.setLoopback({ sensitive: loopback, nonsensitive: loopback });
  const agents = new Map<Vantage, https.Agent>();
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    for (const agent of agents.values()) agent.destroy();
    await Promise.all([inside.close(), outside.close(), registry.close()]);
    await owned.close();
  };
  const sandbox: AmlSandbox = {
    context,
    directory,
    agent: (vantage = 'inside') => {
      const port = (vantage === 'inside' ? inside : outside).port;
      const network = { ca: join(directory, 'ca.pem'), resolve: { '*': `127.0.0.1:${port}` } };
      const agent = agents.get(vantage) ?? createAgent(network);
      agents.set(vantage, agent);
      return agent;
    },
    credential: (name = 'inside-promoter') => ({
      getToken: (scopes) => {
        const aud = ([scopes].flat()[0] ?? '').replace(/\/\.default$/, '');
        const exp = Math.floor(Date.now() / 1000) + 3600;
        const token = context.tokens.issue({ iss: entraIssuer, sub: identities[name].objectId, aud, exp });
        return Promise.resolve({ token, expiresOnTimestamp: exp * 1000 });
      },
    }),
    stop: () => (stopped ??= stop()),
  };
  t.teardown(() => sandbox.stop());
  return sandbox;
}

/** Asks again until the answer is there; the test's own time limit is the only other end. */
export async function until<T>(ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await delay(20);
  }
}
