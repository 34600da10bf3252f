import type https from 'node:https';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { createAgent } from '../../src/network/agent.ts';
import type { Script, ScriptedServer } from './scripted-server.ts';
import { startScriptedServer } from './scripted-server.ts';
import { createAuthority } from './tls-authority.ts';

export interface ScriptedCloud extends ScriptedServer {
  /** Leads every https host to the server, as a zone's `access.network` does. */
  readonly agent: https.Agent;
  readonly network: { readonly ca: string; readonly resolve: Readonly<Record<string, string>> };
}

let authority: ReturnType<typeof createAuthority> | undefined;

export function tempDir(t: ExecutionContext): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'amlpromote-test-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A TLS server that is every one of `hosts`, and the agent of a zone that finds them there. */
export async function startScriptedCloud(
  t: ExecutionContext,
  hosts: readonly string[],
  script: Script,
): Promise<ScriptedCloud> {
  authority ??= createAuthority();
  const root = await authority;
  const server = await startScriptedServer(t, script, await root.issue(hosts));
  const file = path.join(tempDir(t), 'ca.pem');
  writeFileSync(file, root.ca);
  const network = { ca: file, resolve: { '*': `127.0.0.1:${String(server.port)}` } };
  const agent = createAgent(network);
  t.teardown(() => agent.destroy());
  return { ...server, agent, network };
}
