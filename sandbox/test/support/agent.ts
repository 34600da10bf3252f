import { readFileSync } from 'node:fs';
import type { AgentOptions, RequestOptions } from 'node:https';
import { Agent } from 'node:https';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { ExecutionContext } from 'ava';
import type { RunningSandbox } from '../../index.ts';
import type { Vantage } from '../../http.ts';

type Connected = (error: Error | null, stream: Duplex) => void;

/** Sends every host's connections to one vantage of the sandbox; a small one of the tests' own, not the product's. */
export class SandboxAgent extends Agent {
  readonly #port: number;
  readonly #address: string;

  constructor(port: number, options: AgentOptions, address = '127.0.0.1') {
    super(options);
    this.#port = port;
    this.#address = address;
  }

  override createConnection(options: RequestOptions, callback?: Connected): Duplex | null | undefined {
    const servername = options.servername ?? options.host ?? '';
    const target = { host: this.#address, hostname: this.#address, port: this.#port, servername };
    return super.createConnection({ ...options, ...target }, callback);
  }
}

export function agentOf(t: ExecutionContext, sandbox: RunningSandbox, vantage: Vantage): SandboxAgent {
  const { directory, ports } = sandbox.description;
  const agent = new SandboxAgent(ports[vantage], {
    keepAlive: true,
    ca: readFileSync(join(directory, 'ca.pem')),
  });
  t.teardown(() => {
    agent.destroy();
  });
  return agent;
}
