import test from 'ava';
import { enginePlaces, parseEndpoint } from '../../src/domain/engine-address.ts';

for (const [address, tls, expected] of [
  ['unix:///var/run/docker.sock', false, { socketPath: '/var/run/docker.sock' }],
  ['/run/user/1000/podman/podman.sock', false, { socketPath: '/run/user/1000/podman/podman.sock' }],
  ['npipe:////./pipe/docker_engine', false, { socketPath: '\\\\.\\pipe\\docker_engine' }],
  ['tcp://10.0.0.5', false, { protocol: 'http', host: '10.0.0.5', port: 2375 }],
  ['tcp://build.test', true, { protocol: 'https', host: 'build.test', port: 2376 }],
  ['tcp://build.test:1234', true, { protocol: 'https', host: 'build.test', port: 1234 }],
  ['http://build.test:2375/', true, { protocol: 'http', host: 'build.test', port: 2375 }],
  ['https://[::1]:2376', false, { protocol: 'https', host: '::1', port: 2376 }],
] as const) {
  test(`address ${address}${tls ? ' with certificates' : ''}`, (t) => {
    t.deepEqual<unknown, unknown>(parseEndpoint(address, tls), expected);
  });
}

for (const address of [
  '',
  'docker.sock',
  'unix://relative',
  'ssh://me@host',
  'fd://',
  'tcp://',
  'tcp://user:pw@host',
  'tcp://host/path',
]) {
  test(`no address: ${address || '(empty)'}`, (t) => {
    const error = t.throws(() => parseEndpoint(address, false), { code: 'USAGE' });
    t.true(JSON.stringify(error).includes('DOCKER_HOST'));
  });
}

const sockets = ['unix:///var/run/docker.sock', 'unix:///run/podman/podman.sock'];
for (const [what, environment, home, expected] of [
  ['nothing is said', {}, undefined, { hosts: sockets }],
  [
    'variables that are empty',
    { DOCKER_HOST: '', DOCKER_CERT_PATH: '', XDG_RUNTIME_DIR: '' },
    '',
    { hosts: sockets },
  ],
  [
    'a user with a session',
    { XDG_RUNTIME_DIR: '/run/user/7' },
    '/home/me',
    {
      hosts: [
        'unix:///var/run/docker.sock',
        'unix:///run/user/7/docker.sock',
        'unix:///home/me/.docker/run/docker.sock',
        'unix:///home/me/.docker/desktop/docker.sock',
        'unix:///run/podman/podman.sock',
        'unix:///run/user/7/podman/podman.sock',
      ],
    },
  ],
  [
    'a named engine: nothing else is tried',
    { DOCKER_HOST: 'tcp://build:2376', DOCKER_CERT_PATH: '/certs', XDG_RUNTIME_DIR: '/run/user/7' },
    '/home/me',
    { host: 'tcp://build:2376', hosts: ['tcp://build:2376'], certificates: '/certs' },
  ],
] as const) {
  test(`where to look for the engine: ${what}`, (t) => {
    t.deepEqual<unknown, unknown>(enginePlaces(environment, home), expected);
  });
}
