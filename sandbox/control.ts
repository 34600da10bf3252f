import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { readJson, writeJson } from './store/files.ts';

/** `state/control.json`: how another process speaks to a running sandbox and knows that it is this one. */
export interface ControlFile {
  readonly pid: number;
  readonly port: number;
  /** Who knows it may stop the sandbox; who answers to it is the sandbox and no other process with the same pid. */
  readonly nonce: string;
}

export interface Control {
  readonly file: ControlFile;
  close(): Promise<void>;
}

const fileOf = (stateDirectory: string): string => join(stateDirectory, 'control.json');

/** Listens for `POST /stop` and `GET /status`; `extra` answers everything else. */
export async function openControl(
  stateDirectory: string,
  stop: () => Promise<void>,
  extra: (incoming: IncomingMessage, outgoing: ServerResponse) => void,
): Promise<Control> {
  const nonce = randomUUID();
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '';
    if (path !== '/stop' && path !== '/status') {
      extra(incoming, outgoing);
      return;
    }
    if (incoming.headers['x-sandbox-nonce'] !== nonce) {
      outgoing.writeHead(403).end();
      return;
    }
    const done = path === '/stop' && incoming.method === 'POST' ? stop() : Promise.resolve();
    void done.finally(() => outgoing.writeHead(204, { connection: 'close' }).end());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const file = { pid: process.pid, port: (server.address() as AddressInfo).port, nonce };
  writeJson(fileOf(stateDirectory), file, 0o600);
  return {
    file,
    // Not closeAllConnections: the answer to /stop is still to be written.
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

export const readControl = (stateDirectory: string): ControlFile | undefined =>
  readJson(fileOf(stateDirectory)) as ControlFile | undefined;

/** True when the sandbox answered; false when nobody, or somebody else, listens there. */
export const callControl = (file: ControlFile, method: 'GET' | 'POST', path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: file.port,
        method,
        path,
        headers: { 'x-sandbox-nonce': file.nonce },
        agent: false,
        timeout: 30_000,
      },
      (incoming) => {
        incoming.resume();
        resolve(incoming.statusCode === 204);
      },
    );
    outgoing.on('timeout', () => outgoing.destroy());
    outgoing.on('error', () => {
      resolve(false);
    });
    outgoing.end();
  });
