import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { outputSchemas } from '../../src/cli/outputs.ts';
import { startCommand } from '../e2e/process.ts';
import { endJobs } from '../support/played-compute.ts';
import { loopbackOf } from '../../sandbox/test/support/loopback.ts';
import { startTwoZones } from '../support/two-zones.ts';

/** A line of stderr on which the process is killed: a step begins, so the ones before it are done. */
const moments = [/^publish /, /^release /, /^verify /, /^register /];

test('threat 40: kill -9 between any two steps, in processes of their own: run again, same digests', async (t) => {
  const zones = await startTwoZones();
  t.teardown(async () => zones.close());
  const image = zones.image('killed');
  const environment = {
    PATH: process.env.PATH ?? '',
    HOME: zones.file('.'),
    AMLPROMOTE_STORE: zones.store,
    AMLPROMOTE_CACHE: zones.file('cache'),
    XDG_STATE_HOME: zones.file('state'),
  };
  const promote = ({ file } = image) =>
    startCommand(['promote', file, '--zones', zones.zones.both, '--json'], {
      cwd: zones.file('.'),
      env: environment,
    });
  const released = async (): Promise<string | undefined> => {
    const answer = await loopbackOf(zones.sandbox, 'nonsensitive').manifest('ml/killed', 'release-1');
    await answer.body?.cancel();
    return answer.status === 200 ? (answer.headers.get('docker-content-digest') ?? undefined) : undefined;
  };

  let release: string | undefined;
  for (const moment of moments) {
    const command = promote();
    const line = await command.line(moment);
    command.kill('SIGKILL');
    const { signal, stdout, stderr } = await command.ended;
    t.truthy(line, stderr);
    t.is(signal, 'SIGKILL', stderr);
    t.is(stdout, '');
    const now = await released();
    if (release !== undefined) t.is(now, release, String(moment));
    release = now;
  }
  t.truthy(release);

  const rest = await promote().ended;
  t.is(rest.exitCode, 0, rest.stderr);
  const document = outputSchemas.promote.parse(JSON.parse(rest.stdout));
  t.is(document.image.digest, image.digest);
  t.is(document.release?.digest, release);
  t.true(document.delivered?.reference.endsWith(`/ml/killed@${image.digest}`));

  // The image is locked by now, and takes another version all the same.
  const next = zones.image('killed', { version: '1.5.0' });
  const { exitCode, stdout, stderr } = await promote(next).ended;
  t.is(exitCode, 0, stderr);
  const { delivered, image: same, release: second } = outputSchemas.promote.parse(JSON.parse(stdout));
  t.is(same.digest, image.digest);
  t.is(delivered?.reference, document.delivered?.reference);
  t.is(second?.counter, 2);
});

test('threat 40: kill -9 while a smoke job runs: the next run of this machine waits for it', async (t) => {
  const zones = await startTwoZones();
  t.teardown(async () => zones.close());
  const image = zones.image('waiting', { more: 'smoke: { command: "true" }' });
  const start = () =>
    startCommand(['promote', image.file, '--zones', zones.zones.both, '--json'], {
      cwd: zones.file('.'),
      env: { PATH: process.env.PATH ?? '', HOME: zones.file('.'), AMLPROMOTE_CACHE: zones.file('cache') },
    });
  // Nothing runs it yet.
  const disarm = zones.sandbox.faults.add({
    method: 'PUT',
    path: '/jobs/',
    action: { kind: 'endless-operation' },
  });
  const command = start();
  t.truthy(await command.line(/job amlpromote-waiting-\S+: Queued/));
  command.kill('SIGKILL');
  t.is((await command.ended).signal, 'SIGKILL');
  disarm();

  const end = endJobs(zones.sandbox, { output: 'well\n' });
  const { exitCode, stdout, stderr } = await start().ended;
  await end();
  t.is(exitCode, 0, stderr);
  const { job } = outputSchemas.promote.parse(JSON.parse(stdout));
  t.deepEqual(
    zones.sandbox.context.workspace.jobs.all().map(({ name }) => name),
    [job?.name],
  );
  const [record] = readdirSync(zones.file('.local/state/amlpromote/runs'));
  t.regex(readFileSync(zones.file(`.local/state/amlpromote/runs/${record}`), 'utf8'), /"state":"completed"/);
});
