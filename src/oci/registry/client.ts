import { refusePage } from '../../network/causes.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Auth, Scope } from './auth.ts';
import { createAuth } from './auth.ts';
import type { Answer } from './errors.ts';
import { errorOf, interrupted, isRetriedStatus, isTransient, protocolError } from './errors.ts';
import type { Limits, RegistryOptions } from './options.ts';
import type { Opened } from './redirects.ts';
import { followRedirects, isSuccess, smallAnswer } from './redirects.ts';
import { baseOf, defaultLimits } from './options.ts';
import { pauseBefore, retryAfterOf, systemClock } from './retry.ts';
import type { Transport, Upload } from './transport.ts';
import { createTransport } from './transport.ts';

/** One request to the registry itself. */
export interface ApiRequest {
  readonly method: string;
  readonly url: URL;
  readonly scope: Scope;
  /** Verb and subject for messages, e.g. `read manifest ml/churn@sha256:…`; never a URL with its query. */
  readonly what: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Largest acceptable answer; default 64 KiB. */
  readonly most?: number;
  readonly signal?: AbortSignal | undefined;
  /** `send` only: a web page is an answer here, and a "no". */
  readonly pageMeansNone?: boolean;
  /** `open` only: follow redirects, to another host without `Authorization` (threat 26). */
  readonly redirects?: boolean;
}

/** Requests with authorisation, retries and patience; statuses that no retry can change are left to the caller. */
export interface Client {
  readonly host: string;
  readonly base: URL;
  readonly limits: Limits;
  send(request: ApiRequest): Promise<Answer>;
  /** For large bodies. `incoming` is there for 2xx only; otherwise `answer` holds the small body. */
  open(request: ApiRequest): Promise<Opened>;
  /** One try, authorised; retrying an upload needs its state (`uploads.ts`). */
  upload(request: ApiRequest, size: number): Promise<{ upload: Upload; used: string | undefined }>;
  /** After a 401 to an upload. */
  reauthorise(scope: Scope, used: string | undefined, answer: Answer): Promise<boolean>;
  /** Waits before try `attempt` + 1; false when that was the last one or the service wants more patience than we have. */
  pause(attempt: number, answer: Answer | undefined, signal?: AbortSignal): Promise<boolean>;
  /** @param elsewhere the host that answered, where it was not the registry itself */
  errorOf(answer: Answer, what: string, elsewhere?: string): Error;
}

export function createClient(options: RegistryOptions): Client {
  const base = baseOf(options);
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const clock: Clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const transport: Transport = createTransport(options, limits);
  const host = base.host;

  const pause: Client['pause'] = async (attempt, answer, signal) => {
    if (attempt >= limits.attempts) return false;
    const wish = answer === undefined ? undefined : retryAfterOf(answer.headers, clock.now());
    const milliseconds = pauseBefore(attempt, wish, limits, random);
    if (milliseconds === undefined) return false;
    try {
      await clock.sleep(milliseconds, either(options.signal, signal));
    } catch {
      throw interrupted();
    }
    return true;
  };

  /** Errors that were retried already: an outer loop must not multiply the patience of an inner one. */
  const spent = new WeakSet<object>();

  /** Tries until there is an answer that another try would not change. */
  async function persist<T extends { readonly answer?: Answer | undefined }>(
    attemptOnce: () => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const started = performance.now();
    for (let attempt = 1; ; attempt += 1) {
      try {
        const result = await attemptOnce();
        const retry = result.answer !== undefined && isRetriedStatus(result.answer.status);
        if (!retry || !(await pause(attempt, result.answer, signal))) return result;
      } catch (error) {
        const late = attempt > 1 && performance.now() - started >= limits.patience;
        const again = isTransient(error) && !late && !spent.has(error as object);
        if (again && (await pause(attempt, undefined, signal))) continue;
        if (error instanceof Error) spent.add(error);
        throw error;
      }
    }
  }

  const auth: Auth = createAuth({
    base,
    options,
    clock,
    ask: async (request) => {
      const { answer } = await persist(
        async () => ({ answer: await transport.send({ ...request, signal: options.signal }, 128 * 1024) }),
        undefined,
      );
      refusePage(answer.status, answer.headers['content-type'], host, 'the token request');
      return answer;
    },
  });

  /** Runs `once` with the header for `scope`; after a 401 once more with what the challenge taught. */
  async function authorised<T extends { readonly answer?: Answer | undefined; readonly elsewhere?: string }>(
    request: ApiRequest,
    once: (headers: Readonly<Record<string, string>>) => Promise<T>,
  ): Promise<T> {
    // What the caller built must not leave the registry's own origin with our token (threats 26, 27).
    if (request.url.origin !== base.origin) {
      throw protocolError(host, `points to another host (${request.url.host}) where it must not`);
    }
    const used = await auth.header(request.scope);
    const first = await once(withAuthorization(request.headers, used));
    if (first.answer?.status !== 401 || first.elsewhere !== undefined) return first;
    if (!(await auth.refused(request.scope, used, first.answer.headers['www-authenticate']))) return first;
    return once(withAuthorization(request.headers, await auth.header(request.scope)));
  }

  return {
    host,
    base,
    limits,
    pause,
    errorOf: (answer, what, elsewhere) =>
      errorOf(
        answer,
        elsewhere ?? host,
        elsewhere === undefined ? what : `${what}, to which ${host} redirects,`,
      ),
    async send(request) {
      const signal = either(options.signal, request.signal);
      const { answer } = await persist(
        async () =>
          authorised(request, async (headers) => ({
            answer: await transport.send({ ...request, headers, signal }, request.most ?? 64 * 1024),
          })),
        signal,
      );
      if (request.pageMeansNone !== true)
        refusePage(answer.status, answer.headers['content-type'], host, request.what);
      return answer;
    },
    async open(request) {
      const signal = either(options.signal, request.signal);
      const opened = await persist<Opened>(
        async () =>
          authorised<Opened>(request, async (headers) => {
            const wire = { ...request, headers, signal };
            if (request.redirects === true) return followRedirects(transport, wire, base, limits.redirects);
            const incoming = await transport.open(wire);
            return isSuccess(incoming.statusCode) ? { incoming } : { answer: await smallAnswer(incoming) };
          }),
        signal,
      );
      const { status, headers } = opened.answer ?? {
        status: opened.incoming.statusCode ?? 0,
        headers: opened.incoming.headers,
      };
      try {
        refusePage(status, headers['content-type'], opened.elsewhere ?? host, request.what);
      } catch (error) {
        opened.incoming?.destroy();
        throw error;
      }
      return opened;
    },
    async upload(request, size) {
      if (request.url.origin !== base.origin) {
        throw protocolError(host, `points to another host (${request.url.host}) where it must not`);
      }
      const used = await auth.header(request.scope);
      const headers = withAuthorization(request.headers, used);
      const signal = either(options.signal, request.signal);
      return { upload: transport.upload({ ...request, headers, signal }, size), used };
    },
    reauthorise: async (scope, used, answer) => auth.refused(scope, used, answer.headers['www-authenticate']),
  };
}

const withAuthorization = (
  headers: Readonly<Record<string, string>> | undefined,
  authorization: string | undefined,
): Readonly<Record<string, string>> => ({
  ...headers,
  ...(authorization === undefined ? {} : { authorization }),
});

function either(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  if (one && other && one !== other) return AbortSignal.any([one, other]);
  return one ?? other;
}
