import type http from 'node:http';
import test from 'ava';
import type { ErrorCode } from '../../../src/domain/errors.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { fastClock, ociError, registryAt, startWire } from './wire.ts';

const digest = sha256('manifest');

interface Case {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly expected: ErrorCode;
  readonly says?: RegExp;
  readonly tries?: number;
}

const answers = test.macro(async (t, { status, code, message, expected, says, tries = 1 }: Case) => {
  const wire = await startWire(t, (_request, response) => ociError(response, status, code, message));
  const error = await t.throwsAsync(registryAt(wire).repository('a/b').manifest(digest), {
    instanceOf: AmlpromoteError,
    code: expected,
  });
  t.regex(`${error.message} ${error.nextSteps.join(' ')}`, says ?? new RegExp(String(status)));
  t.true(error.nextSteps.length > 0);
  t.is(wire.log.length, tries);
});

const ipRule =
  "client with IP '20.1.2.3' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.";

test('401', answers, { status: 401, code: 'UNAUTHORIZED', message: 'no', expected: 'UNAUTHENTICATED' });
test('403', answers, {
  status: 403,
  code: 'DENIED',
  message: 'requested access is denied',
  expected: 'FORBIDDEN',
});
test('403 DENIED by a network rule', answers, {
  status: 403,
  code: 'DENIED',
  message: ipRule,
  expected: 'NETWORK_DENIED',
  says: /20\.1\.2\.3.*private endpoint/,
});
test('400', answers, { status: 400, code: 'X', message: 'y', expected: 'OPERATION_FAILED' });
test('threat 26: a redirect of a manifest is not followed', answers, {
  status: 307,
  code: '',
  message: '',
  expected: 'CONTENT_INVALID',
});
test('threat 41: 429 for ever', answers, {
  status: 429,
  code: 'TOOMANYREQUESTS',
  message: 'x',
  expected: 'THROTTLED',
  tries: 5,
});
test('threat 41: 503 for ever', answers, {
  status: 503,
  code: '',
  message: 'x',
  expected: 'SERVICE_FAILED',
  tries: 5,
});
test('threat 31: what a server says is cut short and cleaned', answers, {
  status: 403,
  code: 'A\u001b[31m',
  message: `\u001b[2J\u202egnp.exe\n${'x'.repeat(5000)}`,
  expected: 'FORBIDDEN',
  // eslint-disable-next-line no-control-regex
  says: /^[^\u001b\u202e\n]{1,900}$/,
});

test('404 is an answer, not an error', async (t) => {
  const wire = await startWire(t, (_request, response) => ociError(response, 404, 'NAME_UNKNOWN', 'x'));
  const repository = registryAt(wire).repository('a/b');
  t.is(await repository.manifest(digest), undefined);
  t.is(await repository.resolve('latest'), undefined);
  t.deepEqual(await repository.tags(), []);
  t.deepEqual(await repository.referrers(digest), []);
});

test('threat 41: Retry-After is honoured, in seconds and as a date; then it works', async (t) => {
  const clock = fastClock();
  const waits = ['7', new Date(clock.now().getTime() + 7000 + 11_000).toUTCString()];
  const wire = await startWire(t, (_request, response) => {
    const wait = waits.shift();
    if (wait === undefined) ociError(response, 404, '', '');
    else response.writeHead(429, { 'retry-after': wait }).end();
  });
  t.is(
    await registryAt(wire, { clock, random: () => 0 })
      .repository('a')
      .manifest(digest),
    undefined,
  );
  t.deepEqual(clock.pauses, [7000, 11_000]);
});

test('threat 41: a Retry-After of an hour is not waited for', async (t) => {
  const clock = fastClock();
  const wire = await startWire(
    t,
    (_request, response) => void response.writeHead(429, { 'retry-after': '3600' }).end(),
  );
  await t.throwsAsync(registryAt(wire, { clock }).repository('a').manifest(digest), {
    instanceOf: AmlpromoteError,
    code: 'THROTTLED',
  });
  t.deepEqual(clock.pauses, []);
});

test('threat 41: pauses grow, with jitter', async (t) => {
  const clock = fastClock();
  const wire = await startWire(t, (_request, response) => void response.writeHead(503).end());
  await t.throwsAsync(
    registryAt(wire, { clock, random: () => 0 })
      .repository('a')
      .manifest(digest),
  );
  t.deepEqual(clock.pauses, [250, 500, 1000, 2000]);
});

const broken = test.macro(
  async (
    t,
    handler: (request: http.IncomingMessage, response: http.ServerResponse) => void,
    code: ErrorCode,
  ) => {
    const wire = await startWire(t, handler);
    const registry = registryAt(wire, { limits: { request: 200, idle: 50, attempts: 3 } });
    const error = await t.throwsAsync(registry.repository('a').manifest(digest), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, code);
    t.is(wire.log.length, 3, 'tried again');
  },
);

test('threat 41: reset before the answer', broken, (request) => void request.socket.destroy(), 'UNREACHABLE');
test(
  'threat 41: reset in the middle of a manifest',
  broken,
  (request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half', () => request.socket.destroy());
  },
  'UNREACHABLE',
);
test('threat 41: no answer at all', broken, () => undefined, 'TIMEOUT');
test(
  'threat 41: an answer that drips (slow-loris)',
  broken,
  (_request, response) => {
    response.writeHead(200, { 'content-length': '100000' });
    const timer = setInterval(() => response.write('x'), 10);
    response.once('close', () => clearInterval(timer));
  },
  'TIMEOUT',
);

test('nobody listens: UNREACHABLE, with the host', async (t) => {
  const wire = await startWire(t, () => undefined);
  const registry = registryAt({ ...wire, host: '127.0.0.1:9' }, { limits: { attempts: 2 } });
  const error = await t.throwsAsync(registry.repository('a').manifest(digest), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'UNREACHABLE');
  t.regex(error.message, /127\.0\.0\.1:9/);
});

test('an interruption ends a request that waits, at once', async (t) => {
  const interruption = new AbortController();
  const wire = await startWire(t, () => interruption.abort());
  const registry = registryAt(wire, { signal: interruption.signal });
  await t.throwsAsync(registry.repository('a').manifest(digest), {
    instanceOf: AmlpromoteError,
    message: /interrupted/,
  });
  t.is(wire.log.length, 1);
});
