import path from 'node:path';
import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { canDraw, readSettings, wantsColor } from '../../src/cli/settings.ts';
import type { Environment, SettingFlags } from '../../src/cli/settings.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

const cwd = '/work/here';
const read = (flags: SettingFlags = {}, env: Environment = {}): ReturnType<typeof readSettings> =>
  readSettings(flags, { HOME: '/home/ann', ...env }, cwd);

test('flag > environment > default, each as an absolute path', (t) => {
  t.is(read().zones, '/work/here/zones.yaml');
  t.is(read({}, { AMLPROMOTE_ZONES: 'env.yaml' }).zones, '/work/here/env.yaml');
  t.is(read({ zones: '/flag.yaml' }, { AMLPROMOTE_ZONES: 'env.yaml' }).zones, '/flag.yaml');

  t.is(read().store, '/home/ann/.local/share/amlpromote/store');
  t.is(read({}, { XDG_DATA_HOME: '/data' }).store, '/data/amlpromote/store');
  t.is(read({}, { AMLPROMOTE_STORE: 's', XDG_DATA_HOME: '/data' }).store, '/work/here/s');
  t.is(read({ store: 'f' }, { AMLPROMOTE_STORE: 's' }).store, '/work/here/f');

  t.is(read().cache, '/home/ann/.cache/amlpromote');
  t.is(read({}, { XDG_CACHE_HOME: '/cache' }).cache, '/cache/amlpromote');
  t.is(read({}, { AMLPROMOTE_CACHE: 'c' }).cache, '/work/here/c');
  t.is(read().stateDirectory, '/home/ann/.local/state/amlpromote');
  t.is(read({}, { XDG_STATE_HOME: '/state' }).stateDirectory, '/state/amlpromote');

  for (const [flag, name, file] of [
    ['policy', 'POLICY', 'policy.yaml'],
    ['key', 'KEY', 'key.pem'],
    ['certificate', 'CERTIFICATE', 'cert.pem'],
  ] as const) {
    t.is(read()[flag]('inside'), `/work/here/inside/${file}`);
    t.is(read({}, { [`AMLPROMOTE_${name}`]: 'env' })[flag]('inside'), '/work/here/env');
    t.is(read({ [flag]: 'f' }, { [`AMLPROMOTE_${name}`]: 'env' })[flag]('outside'), '/work/here/f');
  }
  t.is(read({ database: 'osv' }).database, '/work/here/osv');
  t.is(read({}, { AMLPROMOTE_DATABASE: '/osv' }).database, '/osv');
});

test('state is kept below XDG_STATE_HOME, if that is absolute, or the home directory', (t) => {
  t.is(read({}).stateDirectory, '/home/ann/.local/state/amlpromote');
  t.is(read({}, { XDG_STATE_HOME: '/state' }).stateDirectory, '/state/amlpromote');
  for (const relative of ['state', './state', ''])
    t.is(read({}, { XDG_STATE_HOME: relative }).stateDirectory, '/home/ann/.local/state/amlpromote');
});

test('an empty variable is as good as none', (t) => {
  t.is(read({}, { AMLPROMOTE_ZONES: '', AMLPROMOTE_STORE: '' }).zones, '/work/here/zones.yaml');
  t.false(read({}, { AMLPROMOTE_KEY: '' }).namesPolicyOrKey);
  t.deepEqual(read({}, { HTTPS_PROXY: '' }).proxy, {});
});

test('whoever names a policy or key for both sides names the wrong one for one of them', (t) => {
  t.false(read().namesPolicyOrKey);
  t.true(read({ policy: 'p' }).namesPolicyOrKey);
  t.true(read({}, { AMLPROMOTE_CERTIFICATE: 'c' }).namesPolicyOrKey);
  t.false(read({ store: 's', database: 'd' }).namesPolicyOrKey);
});

test('beside a zones manifest of both sides: a folder for each', async (t) => {
  const directory = await temporaryDirectory(t, {
    'zones.yaml': '',
    'outside/policy.yaml': '',
    'inside/policy.yaml': '',
    'db/LABEL': '',
  });
  const settings = read({ zones: path.join(directory, 'zones.yaml') });
  t.is(settings.policy('outside'), path.join(directory, 'outside/policy.yaml'));
  t.is(settings.policy('inside'), path.join(directory, 'inside/policy.yaml'));
  t.is(settings.key('inside'), path.join(directory, 'inside/key.pem'));
  t.is(settings.database, path.join(directory, 'db'));
});

test('beside a zones manifest of one side: its own files, and the database one folder up', async (t) => {
  const directory = await temporaryDirectory(t, {
    'outside/zones.yaml': '',
    'outside/policy.yaml': '',
    'outside/key.pem': '',
    'db/LABEL': '',
  });
  const settings = read({ zones: path.join(directory, 'outside/zones.yaml') });
  t.is(settings.policy('outside'), path.join(directory, 'outside/policy.yaml'));
  t.is(settings.key('outside'), path.join(directory, 'outside/key.pem'));
  t.is(settings.database, path.join(directory, 'db'));
});

test('a file that is missing beside a zones manifest of one side is missing there', async (t) => {
  const directory = await temporaryDirectory(t, { 'inside/zones.yaml': '', 'inside/policy.yaml': '' });
  const settings = read({ zones: path.join(directory, 'inside/zones.yaml') });
  t.is(settings.key('inside'), path.join(directory, 'inside/key.pem'));
  t.is(settings.certificate('inside'), path.join(directory, 'inside/cert.pem'));
});

test('where nothing is, the place that init would fill is named', async (t) => {
  const directory = await temporaryDirectory(t);
  const settings = read({ zones: path.join(directory, 'zones.yaml') });
  t.is(settings.policy('outside'), path.join(directory, 'outside/policy.yaml'));
  t.is(settings.database, path.join(directory, 'db'));
});

test('where the engine is', (t) => {
  t.deepEqual(read({}, { DOCKER_HOST: 'tcp://build:2376', DOCKER_CERT_PATH: '/certs' }).engine, {
    host: 'tcp://build:2376',
    hosts: ['tcp://build:2376'],
    certificates: '/certs',
  });
  const { hosts, ...rest } = read({}, { XDG_RUNTIME_DIR: '/run/user/7', HOME: '/home/me' }).engine;
  t.deepEqual(rest, {});
  t.true(hosts.includes('unix:///run/user/7/podman/podman.sock'));
  t.true(hosts.includes('unix:///home/me/.docker/run/docker.sock'));
});

test('proxies are read in both spellings', (t) => {
  t.deepEqual(read({}, { HTTPS_PROXY: 'http://a', NO_PROXY: 'b' }).proxy, {
    httpsProxy: 'http://a',
    noProxy: 'b',
  });
  t.deepEqual(read({}, { https_proxy: 'http://a', no_proxy: 'b' }).proxy, {
    httpsProxy: 'http://a',
    noProxy: 'b',
  });
});

test('the identity is the run of a pipeline, or the person at the machine', (t) => {
  t.is(
    read(
      {},
      {
        GITHUB_SERVER_URL: 'https://github.com',
        GITHUB_REPOSITORY: 'contoso/churn',
        GITHUB_RUN_ID: '7',
      },
    ).identity,
    'https://github.com/contoso/churn/actions/runs/7',
  );
  t.is(
    read(
      {},
      {
        BUILD_BUILDURI: 'vstfs:///Build/Build/9',
        BUILD_BUILDID: '9',
        SYSTEM_COLLECTIONURI: 'https://dev.azure.com/contoso/',
        SYSTEM_TEAMPROJECT: 'churn',
      },
    ).identity,
    'https://dev.azure.com/contoso/churn/_build/results?buildId=9',
  );
  t.regex(read().identity, /^.+@.+$/);
});

test('a time that is none is no creation time', (t) => {
  t.is(read({}, { SOURCE_DATE_EPOCH: '1700000000' }).sourceDateEpoch, 1_700_000_000);
  t.is(read().sourceDateEpoch, undefined);
});

test('how long one import may run', (t) => {
  t.is(read().importTimeoutSeconds, undefined);
  t.is(read({}, { AMLPROMOTE_IMPORT_TIMEOUT: '45m' }).importTimeoutSeconds, 2700);
});

for (const [name, value] of [
  ['AMLPROMOTE_IMPORT_TIMEOUT', '45'],
  ['AMLPROMOTE_IMPORT_TIMEOUT', 'for ever'],
  ['SOURCE_DATE_EPOCH', 'yesterday'],
] as const)
  test(`${name}=${value} is a mistake, and said to be one`, (t) => {
    const error = t.throws(() => read({}, { [name]: value }), { instanceOf: AmlpromoteError });
    t.is(error.code, 'USAGE');
    t.true(error.message.startsWith(name));
    t.not(error.nextSteps.length, 0);
  });

test('colour only on a terminal, and never with NO_COLOR', (t) => {
  t.true(wantsColor(true, {}));
  t.false(wantsColor(false, {}));
  t.false(wantsColor(true, { NO_COLOR: '1' }));
  t.true(wantsColor(true, { NO_COLOR: '' }));
  t.false(wantsColor(true, { TERM: 'dumb' }));
  t.true(wantsColor(true, { TERM: 'xterm' }));
  t.false(canDraw(true, { TERM: 'dumb', NO_COLOR: '' }));
  t.true(canDraw(true, { TERM: 'xterm', NO_COLOR: '1' }));
});
