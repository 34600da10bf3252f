import { existsSync } from 'node:fs';
import test from 'ava';
import { openDocker } from '../../src/adapters/docker/engine.ts';
import { readSettings } from '../../src/cli/settings.ts';
import { workspaceOf } from '../../src/cli/wiring.ts';
import { silent } from '../../src/domain/events.ts';
import { loadZones } from '../../src/manifest/zones.ts';
import { until } from '../support/aml-sandbox.ts';
import { engineHost, engineTest } from '../support/test-engine.ts';
import { firstStep } from './image.ts';
import { startWorld } from './world.ts';
import type { World } from './world.ts';

/**
 * Everything real, but Azure: images that an engine builds, a sandbox and commands in processes of their own, jobs in
 * containers. The tests are one story, in order, over one sandbox.
 */
const story = engineTest.serial;
let world: World;
/** What the first test delivered. */
let crossed: string;

test.before(async () => {
  if (engineHost !== undefined) world = await startWorld(engineHost);
});
test.after.always(async () => {
  if (engineHost !== undefined) await world.close();
});

const model = 'cat ${{inputs.data}} > ${{outputs.model}}/model.csv; echo accuracy=0.91';
const digestOf = /ml\/\w+@(sha256:[0-9a-f]{64})/;

story('an image crosses in two processes, from a Dockerfile to a job without a network', async (t) => {
  world.image('crossing', {
    smoke: `for i in /sys/class/net/*; do echo net \${i##*/}; done; cat /app/built.txt; ${model}`,
  });
  const { document: outside } = await world.run(t, 'promote', world.outside('crossing'));
  const { digest } = outside.image;
  t.like(outside.image, { name: 'crossing', version: '1.4.0', repository: 'ml/crossing' });
  t.like(outside.scan, { verdict: 'allowed', components: 3, findings: 1 });
  t.deepEqual(
    outside.signatures.map(({ role, already }) => [role, already]),
    ['signature', 'sbom', 'scan', 'provenance'].map((role) => [role, false]),
  );
  t.like(outside.release, { counter: 1, already: false, file: world.file('crossing.release.json') });
  t.is(outside.release?.signatures.length, 1);
  t.is(outside.delivered, undefined, 'outside sees nothing of the inside');

  const { document: inside } = await world.run(t, 'promote', world.inside('crossing'));
  const { host } = world.sandbox.registries.sensitive;
  t.is(inside.image.digest, digest);
  t.is(inside.release?.digest, outside.release?.digest);
  t.like(inside.delivered, { reference: `${host}/ml/crossing@${digest}`, digest, tag: '1.4.0' });
  crossed = inside.delivered?.reference ?? '';
  t.is(inside.receipt?.verdict, 'allowed');
  t.like(inside.environment, {
    id: `${world.sandbox.workspace.id}/environments/crossing/versions/1.4.0`,
    image: `${host}/ml/crossing@${digest}`,
    already: false,
  });
  t.like(inside.job, { status: 'Completed', score: 'accuracy=0.91' });
  t.deepEqual(
    inside.job?.outputs.map(({ name, files }) => [name, files]),
    [['model', ['model.csv']]],
  );
  const log = inside.job?.log?.split('\n') ?? [];
  t.deepEqual(
    log.filter((line) => line.startsWith('net ')),
    ['net lo'],
    'the job has no network',
  );
  t.true(log.includes(`crossing ${world.flavour}`), 'what ran is what was built');
  t.false(existsSync(world.file('inside-store')), 'inside needs no store');
});

story('again: everything is done already but the job', async (t) => {
  const outside = await world.run(t, 'promote', world.outside('crossing'));
  t.true(outside.document.signatures.every(({ already }) => already));
  t.true(outside.document.release?.already);
  for (const step of ['build', 'scan', 'publish', 'sign', 'release'])
    t.regex(outside.stderr, new RegExp(`^${step} +(?:= already done|\\+ done)`, 'm'));
  for (const step of ['build', 'publish', 'sign', 'release'])
    t.regex(outside.stderr, new RegExp(`^${step} +=`, 'm'));
  const inside = await world.run(t, 'promote', world.inside('crossing'));
  for (const step of ['import', 'register']) t.regex(inside.stderr, new RegExp(`^${step} +=`, 'm'));
  t.true(inside.document.environment?.already);
  t.like(inside.document.job, { status: 'Completed' });
  t.regex(inside.document.job?.name ?? '', /^amlpromote-crossing-[0-9a-f]{12}-[0-9a-f]{32}$/);
  t.notRegex(inside.stderr, /still runs/);
});

story('killed in the build, then in the publication: it goes on, with the same digest', async (t) => {
  world.image('killed', {
    smoke: `trap go=1 USR1; echo ready; while [ -z "$go" ]; do sleep 0.1; done; ${model}`,
    // A build that takes its time: it is not done before the kill arrives.
    more: ['RUN sleep 2'],
  });
  const argv = world.outside('killed');
  const building = await world.killAt(t, argv, new RegExp(`\\| .*${firstStep}$`), 'SIGKILL');
  t.is(building.signal, 'SIGKILL');
  t.notRegex(building.stderr, /^build +\+/m);

  // Layers may pass, the manifest may not: so the publication is open when it is killed.
  world.faults([
    {
      host: 'contosodev',
      method: 'PUT',
      path: '^/v2/ml/killed/manifests/',
      action: { kind: 'delay', milliseconds: 600_000 },
    },
  ]);
  const publishing = await world.killAt(t, argv, /^publish +contosodev/, 'SIGKILL', {
    method: 'PUT',
    path: /^\/v2\/ml\/killed\/blobs\/uploads\//,
  });
  t.is(publishing.signal, 'SIGKILL');
  t.notRegex(publishing.stderr, /^publish +[+=]/m);
  const built = digestOf.exec(/^build +\+ done: .*$/m.exec(publishing.stderr)?.[0] ?? '')?.[1];
  world.faults([]);

  const { document, stderr } = await world.run(t, 'promote', argv);
  t.is(document.image.digest, built ?? 'none');
  t.regex(stderr, /^build +=/m);
  t.regex(stderr, /^publish +\+/m);
  t.like(document.release, { counter: 1 });
});

story('killed in the import, then while the job runs: the same job is waited for', async (t) => {
  const argv = world.inside('killed');
  const carrying = await world.killAt(t, argv, /^import +killed/, 'SIGKILL', { path: /\/importImage$/ });
  t.is(carrying.signal, 'SIGKILL');
  t.notRegex(carrying.stderr, /^import +[+=]/m);

  world.faults([
    {
      host: 'contososec',
      method: 'PUT',
      path: '^/v2/ml/killed/manifests/',
      action: { kind: 'delay', milliseconds: 600_000 },
    },
  ]);
  const admitting = await world.killAt(t, argv, /^verify +\+ done: allowed/, 'SIGKILL');
  t.is(admitting.signal, 'SIGKILL');
  t.notRegex(admitting.stderr, /^import +[+=]/m);
  world.faults([]);

  const running = await world.killAt(t, argv, /^run +\| ready$/, 'SIGKILL');
  t.is(running.signal, 'SIGKILL');
  const job = /^run +note: job ([\w-]+): Running$/m.exec(running.stderr)?.[1] ?? '';

  const interrupted = await world.killAt(t, argv, /^run +\| ready$/, 'SIGINT');
  t.is(interrupted.exitCode, 130);
  t.like(JSON.parse(interrupted.stdout), { error: { code: 'INTERRUPTED' } });
  t.regex(interrupted.stderr, new RegExp(`job ${job} still runs: waiting for it`));

  const last = world.start(argv);
  t.not(await last.line(/still runs: waiting for it$/), undefined);
  const docker = await openDocker(engineHost!, undefined);
  const [container] = await docker.listContainers({ filters: { label: [`dev.amlpromote.job=${job}`] } });
  // Not from the list: Podman's does not say it.
  const found = docker.getContainer(container!.Id);
  t.is((await found.inspect()).HostConfig.NetworkMode, 'none');
  // The command is not the container's first process: that is the image's entrypoint.
  const signal = await found.exec({ Cmd: ['bash', '-c', 'kill -USR1 -1'], AttachStdout: true });
  (await signal.start({})).resume();
  const { exitCode, stdout, stderr } = await last.ended;
  t.is(exitCode, 0, `${stderr}\n${stdout}`);
  t.like(JSON.parse(stdout), { job: { name: job, status: 'Completed', score: 'accuracy=0.91' } });
});

story('interrupted in the build, it goes on; a job that fails is refused with its last words', async (t) => {
  world.image('failing', { smoke: 'cat ${{inputs.data}}; echo it broke on line 7 >&2; exit 3' });
  const outside = world.outside('failing');
  const interrupted = await world.killAt(t, outside, new RegExp(`\\| .*${firstStep}$`), 'SIGINT');
  t.is(interrupted.exitCode, 130);
  t.like(JSON.parse(interrupted.stdout), { error: { code: 'INTERRUPTED' } });
  await world.run(t, 'promote', outside);

  const { document } = await world.run(t, 'error', world.inside('failing'), 10);
  t.is(document.error.code, 'JOB_FAILED');
  t.regex(document.error.message, /status code 3/);
  t.regex(document.error.message, /^ +42,1$/m);
  t.regex(document.error.message, /^ +it broke on line 7$/m);
  t.not(document.error.nextSteps.length, 0);
});

story('a build step that fails is refused with the end of its log', async (t) => {
  world.image('broken', { smoke: 'true', more: ['RUN echo no wheel for numpy >&2; exit 4'] });
  const { document, stderr } = await world.run(t, 'error', world.outside('broken'), 10);
  t.is(document.error.code, 'BUILD_FAILED');
  t.regex(document.error.message, /no wheel for numpy/);
  t.regex(stderr, /^build +\| .*no wheel for numpy$/m);
  t.not(document.error.nextSteps.length, 0);
});

story('what waits in quarantine cannot be pulled by the compute', async (t) => {
  const zones = await loadZones(`${world.sandbox.directory}/inside/zones.yaml`);
  const { signal } = new AbortController();
  const context = { settings: readSettings({ zones: zones.file }, {}), zones, progress: silent, signal };
  const { id, compute } = world.sandbox.workspace;
  const { environments, jobs } = await workspaceOf(context, id);
  const image = crossed.replace('/ml/', '/quarantine/ml/');
  await environments.create({ name: 'smuggled', version: '1', image, tags: {}, properties: {} });
  const environmentId = `${id}/environments/smuggled/versions/1`;
  const work = { experiment: 'smuggled', environmentId, compute, command: 'true', timeoutSeconds: 60 };
  const { name } = await jobs.submit({ ...work, name: 'smuggled-1', inputs: {}, outputs: {}, tags: {} });
  const ended = await until(async () => {
    const job = await jobs.read(name);
    return job?.status === 'Running' ? undefined : job;
  });
  t.is(ended.status, 'Failed');
  t.regex(ended.error ?? '', /FailedPullingImage/);
  t.regex(
    ended.error ?? '',
    /Head "https:\/\/contososec.azurecr.io\/v2\/quarantine\/ml\/crossing\/manifests/,
  );
});
