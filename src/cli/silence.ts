import { channel } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

/** Milliseconds without a sign before the host is named, and between further lines about the same request. */
const firstAfter = 5_000;
const againAfter = 30_000;

export type OnSilence = (host: string, milliseconds: number, what: 'no connection' | 'no answer') => void;

/**
 * Tells which host a command waits for. Every client here (registry, Azure's SDKs, tokens) sends by Node's own http, so one
 * place hears them all. A transfer that is under way is no silence; nor is a local engine at work.
 * @returns ends it
 */
export function watchSilence(onSilence: OnSilence, first = firstAfter, again = againAfter): () => void {
  const timers = new Set<NodeJS.Timeout>();
  const onCreated = (message: unknown): void => {
    const request = requestOf(message);
    if (!request) return;
    const begun = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      if (timer === undefined) return;
      clearTimeout(timer);
      timers.delete(timer);
      timer = undefined;
    };
    const wait = (milliseconds: number): void => {
      stop();
      timer = setTimeout(() => {
        // Sockets of local engines have no host to look for.
        if (request.socket !== null && 'remotePath' in request.socket) return;
        if (!isConnected(request)) onSilence(request.host, performance.now() - begun, 'no connection');
        else if (request.writableFinished) onSilence(request.host, performance.now() - begun, 'no answer');
        wait(again);
      }, milliseconds);
      timer.unref();
      timers.add(timer);
    };
    wait(first);
    request.once('response', stop).once('connect', stop).once('upgrade', stop).once('close', stop);
  };
  const created = channel('http.client.request.created');
  created.subscribe(onCreated);
  return () => {
    created.unsubscribe(onCreated);
    for (const timer of timers) clearTimeout(timer);
  };
}

function requestOf(message: unknown): ClientRequest | undefined {
  const request = (message as { request?: ClientRequest } | undefined)?.request;
  return request === undefined || (request as { socketPath?: string }).socketPath !== undefined
    ? undefined
    : request;
}

/** TCP and, where it is spoken, TLS. */
function isConnected({ socket }: ClientRequest): boolean {
  const state: (typeof socket & { readonly secureConnecting?: boolean }) | null = socket;
  return state !== null && !state.connecting && state.secureConnecting !== true;
}
