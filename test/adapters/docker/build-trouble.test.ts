import test from 'ava';
import { buildTrouble, troubles } from '../../../src/adapters/docker/build-trouble.ts';

const address = 'unix:///run/docker.sock';

/** Reasons as the engines write them. */
for (const [code, reason] of [
  [
    'UNREACHABLE',
    'failed to solve with frontend dockerfile.v0: failed to solve with frontend gateway.v0: failed to resolve source metadata for docker.io/docker/dockerfile:1: failed to do request: Head "https://registry-1.docker.io/v2/docker/dockerfile/manifests/1": dial tcp: lookup registry-1.docker.io: no such host',
  ],
  [
    'UNREACHABLE',
    'Get "https://registry-1.docker.io/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
  ],
  ['UNREACHABLE', 'Get "https://r.test/v2/": x509: certificate signed by unknown authority'],
  ['UNREACHABLE', 'Get "https://r.test/v2/": net/http: TLS handshake timeout'],
  ['UNREACHABLE', 'Get "https://r.test/v2/": http: server gave HTTP response to HTTPS client'],
  [
    'UNREACHABLE',
    'Get "https://r.test/v2/": proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused',
  ],
  [
    'UNREACHABLE',
    'unexpected status from HEAD request to https://r.test/v2/a/manifests/1: 503 Service Unavailable',
  ],
  ['UNREACHABLE', 'failed to load cache key: Get "https://h.test/x.tgz": dial tcp 10.0.0.1:443: i/o timeout'],
  ['THROTTLED', 'toomanyrequests: You have reached your pull rate limit.'],
  [
    'SERVICE_FAILED',
    'failed to create endpoint nifty_x on network bridge: failed to add the host (veth1) <=> sandbox (veth2) pair interfaces: operation not supported',
  ],
  [
    'SERVICE_FAILED',
    'failed to set up container networking: driver failed programming external connectivity',
  ],
  ['SERVICE_FAILED', 'network bridge not found'],
  ['SERVICE_FAILED', 'netavark: iptables: No chain/target/match by that name: exit status 1'],
  ['SERVICE_FAILED', 'iptables failed: iptables --wait -t nat -A DOCKER: exit status 1'],
  ['DISK_FULL', 'write /var/lib/docker/tmp/x: no space left on device'],
] as const) {
  test(`${code}: ${reason.slice(0, 90)}`, (t) => {
    const error = buildTrouble(reason, address);
    t.is(error?.code, code);
    t.is(error?.exitCode, 20);
    t.true((error?.nextSteps.length ?? 0) > 0);
    t.notRegex(error?.nextSteps.join(' ') ?? '', /Correct the Dockerfile/);
  });
}

/** What a step or the Dockerfile did, even where it speaks of networks. */
for (const reason of [
  "The command '/bin/sh -c curl https://h.test' returned a non-zero code: 7",
  "The command '/bin/sh -c echo dial tcp: connection refused; false' returned a non-zero code: 1",
  'process "/bin/sh -c pip install x # no such host" did not complete successfully: exit code: 1',
  'dockerfile parse error line 2: unknown instruction: FRM',
  'COPY failed: file not found in build context or excluded by .dockerignore: stat nothere: file does not exist',
  'failed to compute cache key: "/nothere" not found: not found',
  'manifest for r.test/a:2 not found: manifest unknown: manifest unknown',
]) {
  test(`the build itself failed: ${reason.slice(0, 90)}`, (t) => {
    t.is(buildTrouble(reason, address), undefined);
  });
}

test('a reason of many megabytes is judged and told in bounded time and length', (t) => {
  for (const piece of ['network ', 'failed to create ', 'error setting up ', 'iptables ']) {
    const error = buildTrouble(`${piece.repeat(1_000_000)} dial tcp`, address);
    t.true((error?.message.length ?? 0) < 2000);
  }
  t.is(troubles.length, 3);
});
