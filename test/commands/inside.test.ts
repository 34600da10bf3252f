import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Digest } from '../../src/domain/digest.ts';
import type { ReleaseDocument } from '../../src/domain/release.ts';
import { createLoneIdentity, createSigningIdentity } from '../../src/evidence/certificates.ts';
import type { Fault } from '../../sandbox/index.ts';
import { registries, workspace } from '../../sandbox/topology.ts';
import { endJobs } from '../support/played-compute.ts';
import { startTwoZones } from '../support/two-zones.ts';
import type { ImageOptions, TwoZones } from '../support/two-zones.ts';

/** What the sensitive side refuses, what it cannot check, and what it takes as done. */
let world: TwoZones;
test.before(async () => {
  world = await startTwoZones();
});
test.after.always(() => world.close());
test.afterEach.always(() => world.sandbox.faults.clear());

interface Released {
  readonly file: string;
  readonly digest: Digest;
  readonly document: ReleaseDocument;
}

const read = (file: string): ReleaseDocument => JSON.parse(readFileSync(file, 'utf8')) as ReleaseDocument;

/** Everything outside, so that release.json is all that inside gets. */
async function release(t: ExecutionContext, name: string, options: ImageOptions = {}): Promise<Released> {
  const image = world.image(name, options);
  const file = world.file(`${path.basename(options.repository ?? name)}-${options.version ?? ''}.json`);
  await world.json(t, 'promote', ['promote', image.file, '--outside', '--out', file]);
  return { file, digest: image.digest, document: read(file) };
}

const onImport = (action: Fault['action']): (() => void) =>
  world.sandbox.faults.add({ path: '/importImage$', action });
const final = (name: string) => world.sandbox.context.stores.sensitive.repository(`ml/${name}`);
const policyFile = (side: 'outside' | 'inside'): string => path.join(world.directory, side, 'policy.yaml');

/** Another text for a file of the sandbox until the test ends. */
function rewrite(t: ExecutionContext, file: string, change: (text: string) => string): void {
  const before = readFileSync(file, 'utf8');
  t.teardown(() => {
    writeFileSync(file, before);
  });
  const after = change(before);
  t.not(after, before);
  writeFileSync(file, after);
}

test.serial('an operation that fails is exit 20, and nothing is admitted; then it goes on', async (t) => {
  const { file } = await release(t, 'failing');
  const disarm = onImport({ kind: 'fail-operation', message: 'Operation x failed. Something broke.' });
  await world.refused(t, ['import', file], {
    exitCode: 20,
    code: 'OPERATION_FAILED',
    message: /Something broke/,
  });
  t.is(final('failing')?.tag('1.4.0'), undefined);
  disarm();
  t.false((await world.json(t, 'import', ['import', file])).already);
  t.true((await world.json(t, 'import', ['import', file])).already);
});

test.serial('an operation that never ends is exit 20 at the deadline', async (t) => {
  const { file } = await release(t, 'endless');
  onImport({ kind: 'endless-operation' });
  const env = { AMLPROMOTE_IMPORT_TIMEOUT: '1s' };
  const timeout = { exitCode: 20, code: 'TIMEOUT', message: /still says "running" after \d+ s/ } as const;
  await world.refused(t, ['import', file], timeout, env);
  await world.refused(
    t,
    ['import', file],
    { exitCode: 2, code: 'USAGE' },
    { AMLPROMOTE_IMPORT_TIMEOUT: '1' },
  );
});

test.serial('Ctrl-C while waiting: exit 130, and the next run goes on', async (t) => {
  const { file } = await release(t, 'interrupted');
  const disarm = onImport({ kind: 'endless-operation' });
  const imports = world.requests({ path: /\/importImage$/ });
  const interrupt = setInterval(() => {
    if (world.requests({ path: /\/operationResults\// }) === 0) return;
    if (world.requests({ path: /\/importImage$/ }) === imports) return;
    clearInterval(interrupt);
    process.emit('SIGINT');
  }, 10);
  t.teardown(() => {
    clearInterval(interrupt);
  });
  const { error } = await world.json(t, 'error', ['import', file], { exitCode: 130 });
  t.is(error.code, 'INTERRUPTED');
  t.regex(error.nextSteps.join(' '), /again/);
  disarm();
  t.false((await world.json(t, 'import', ['import', file])).already);
});

test.serial('children that a server-side import leaves behind are fetched one by one', async (t) => {
  const { file } = await release(t, 'dropping');
  onImport({ kind: 'drop-children' });
  const { transfers } = await world.json(t, 'import', ['import', file]);
  t.true(transfers > 2, String(transfers));
});

test.serial(
  'a listed digest that the source has lost is exit 10: nothing is admitted without it',
  async (t) => {
    const { file, document } = await release(t, 'lossy');
    const index = JSON.parse(
      world.sandbox.context.stores.nonsensitive.blobs.read(document.index.digest).toString(),
    ) as { manifests: { digest: Digest }[] };
    const { digest } = index.manifests.at(-1)!;
    // The import of the index leaves it out; asked for by itself, it is not there.
    world.sandbox.faults.add({ path: '/importImage$', count: 1, action: { kind: 'drop-digest', digest } });
    world.sandbox.context.stores.nonsensitive.repository('ml/lossy')?.deleteManifest(digest);
    await world.refused(t, ['import', file], {
      exitCode: 10,
      code: 'LISTED_CONTENT_MISSING',
      message: new RegExp(digest),
    });
    t.is(final('lossy')?.tag('1.4.0'), undefined);
  },
);

test.serial('the version tag: with the same image it is done, with another it is refused', async (t) => {
  const first = await release(t, 'tagged');
  await world.json(t, 'import', ['import', first.file]);
  t.true((await world.json(t, 'import', ['import', first.file])).already);
  const other = await release(t, 'tagged', { version: '1.5.0', files: { 'app/x': 'other' } });
  // Somebody has put something else there meanwhile.
  final('tagged')!.putTag('1.5.0', first.digest);
  const { nextSteps } = await world.refused(t, ['import', other.file], {
    exitCode: 10,
    code: 'TAG_CONFLICT',
    message: /ml\/tagged:1\.5\.0 already names another image/,
  });
  t.regex(nextSteps.join(' '), /version/);
  t.is(final('tagged')?.tag('1.5.0')?.digest, first.digest, 'the tag is as it was');
});

test.serial('outside a version is never reused for another image', async (t) => {
  await release(t, 'reused');
  const { file } = world.image('reused', { files: { 'app/x': 'other' } });
  await world.refused(t, ['promote', file, '--outside', '--out', world.file('reused.json')], {
    exitCode: 10,
    code: 'VERSION_CONFLICT',
    message: /reused 1\.4\.0/,
  });
});

test.serial('a release counter that goes back is exit 10', async (t) => {
  const old = await release(t, 'rolling', { version: '1.0.0', files: { 'app/x': '1' } });
  const recent = await release(t, 'rolling', { version: '2.0.0', files: { 'app/x': '2' } });
  t.deepEqual([old.document.release, recent.document.release], [1, 2]);
  await world.json(t, 'import', ['import', recent.file]);
  const { nextSteps } = await world.refused(t, ['import', old.file], { exitCode: 10, code: 'ROLLBACK' });
  t.regex(nextSteps.join(' '), /allowRollback/);
  t.is(final('rolling')?.tag('1.0.0'), undefined);
});

test.serial('an inside policy that is stricter than the outside one has the last word', async (t) => {
  const { file } = await release(t, 'strict');
  rewrite(t, policyFile('inside'), (text) => text.replace('forbidRoot: false', 'forbidRoot: true'));
  await world.refused(t, ['import', file], {
    exitCode: 10,
    code: 'POLICY_REFUSED',
    message: /RUNS_AS_ROOT/,
  });
  t.is(final('strict'), undefined, 'the final repository does not even exist');
});

test.serial(
  'a policy that becomes stricter later refuses what was admitted: register verifies again',
  async (t) => {
    const { file } = await release(t, 'later');
    await world.json(t, 'import', ['import', file]);
    rewrite(t, policyFile('inside'), (text) => text.replace('forbidRoot: false', 'forbidRoot: true'));
    await world.refused(t, ['register', file], { exitCode: 10, code: 'POLICY_REFUSED' });
    const verified = await world.json(t, 'verify', ['verify', file], { exitCode: 10 });
    t.deepEqual(
      verified.rules.filter(({ verdict }) => verdict !== 'allowed').map(({ rule }) => rule),
      ['image-policy'],
    );
  },
);

test.serial('a signature by another key is exit 10, even with the same name on it', async (t) => {
  const { file } = await release(t, 'foreign');
  const clock = { now: () => new Date() };
  const stranger = await createSigningIdentity({
    subject: 'CN=release,O=Contoso,ST=Tokyo,C=JP',
    ca: { subject: 'CN=release CA,O=Contoso,ST=Tokyo,C=JP' },
    days: 30,
    clock,
  });
  const ca = path.join(world.directory, 'inside/trust/release-ca.pem');
  rewrite(t, ca, () => stranger.ca.certificate);
  await world.refused(t, ['import', file], { exitCode: 10, code: 'SIGNATURE_INVALID' });
  t.is(final('foreign'), undefined);

  // Outside, a key that its own policy does not trust is not used at all.
  const mine = { key: world.file('stranger.key'), chain: world.file('stranger.pem') };
  writeFileSync(mine.key, stranger.leaf.key, { mode: 0o600 });
  writeFileSync(mine.chain, stranger.leaf.chain);
  const image = world.image('foreign').file;
  const own = ['sign', image, '--key', mine.key, '--certificate', mine.chain];
  await world.refused(t, own, { exitCode: 2, code: 'KEY_MISSING', message: /does not trust/ });
});

test.serial('a receipt key that nobody would believe is found before anything is carried', async (t) => {
  const { file } = await release(t, 'unbelieved');
  const lone = await createLoneIdentity({
    subject: 'CN=receipt,O=Contoso,ST=Tokyo,C=JP',
    days: 30,
    clock: { now: () => new Date() },
  });
  const [key, certificate] = [world.file('lone.key'), world.file('lone.pem')];
  writeFileSync(key, lone.key, { mode: 0o600 });
  writeFileSync(certificate, lone.certificate);
  const imports = world.requests({ path: /\/importImage$/ });
  await world.refused(t, ['import', file, '--key', key, '--certificate', certificate], {
    exitCode: 2,
    code: 'KEY_MISSING',
  });
  t.is(world.requests({ path: /\/importImage$/ }), imports);
});

test.serial('status of a release asks for no policy', async (t) => {
  const { file, document } = await release(t, 'looked-at');
  const argv = ['status', file, '--policy', world.file('no-policy.yaml')];
  const { outside } = await world.json(t, 'status', argv);
  t.like(outside, { releases: { 0: { counter: document.release } } });
});

test.serial(
  'a release.json that was changed on the way says otherwise than the signed index: exit 10',
  async (t) => {
    const { document } = await release(t, 'changed');
    const file = world.file('changed-on-the-way.json');
    const rejected = async (change: object, code: string): Promise<void> => {
      writeFileSync(file, JSON.stringify({ ...document, ...change }));
      await world.refused(t, ['import', file], { exitCode: 10, code });
    };
    await rejected({ release: 9 }, 'INTEGRITY_MISMATCH');
    await rejected({ version: '9.9.9' }, 'INTEGRITY_MISMATCH');
    await rejected({ registry: 'evil.azurecr.io' }, 'ROUTE_NOT_APPROVED');
    // One answer: what no step takes, verify does not call good, on either side.
    writeFileSync(file, JSON.stringify({ ...document, registry: 'evil.azurecr.io' }));
    for (const step of [['verify'], ['verify', '--side', 'outside'], ['register'], ['run']])
      await world.refused(t, [...step, file], { exitCode: 10, code: 'ROUTE_NOT_APPROVED' });
    // A definite no is not hidden by a policy that is missing.
    await world.refused(t, ['verify', file, '--policy', world.file('no-policy.yaml')], {
      exitCode: 10,
      code: 'ROUTE_NOT_APPROVED',
    });
    await rejected({ index: { ...document.index, digest: `sha256:${'0'.repeat(64)}` } }, 'SIGNATURE_INVALID');
    t.is(final('changed'), undefined);
  },
);

test.serial(
  'scan under the shipped default policy with an empty database is inconclusive: exit 20',
  async (t) => {
    const { file } = world.image('unscanned');
    await world.json(t, 'build', ['build', file]);
    const shipped = path.resolve(import.meta.dirname, '../../manifests/policy.default.yaml');
    const database = world.file('empty-database');
    mkdirSync(database);
    const argv = ['scan', file, '--policy', shipped, '--database', database];
    const scanned = await world.json(t, 'scan', argv, { exitCode: 20 });
    t.is(scanned.verdict, 'inconclusive');
    t.is(scanned.findings.length, 0);
    t.not(scanned.gaps.length, 0);
    const text = await world.run(t, argv);
    t.is(text.exitCode, 20);
    t.regex(text.stdout, /^verdict +could not check$/m);
    await world.refused(t, ['promote', file, '--outside', ...argv.slice(2)], {
      exitCode: 20,
      code: 'INCONCLUSIVE',
    });
  },
);

test.serial('a role that is missing is named with its scope: exit 20', async (t) => {
  const { file } = await release(t, 'powerless');
  const { roles } = world.sandbox.context;
  const all = roles.list();
  t.teardown(() => {
    roles.replace(all);
  });
  const inside = all.filter(({ identity }) => identity === 'inside-promoter');
  for (const [scope, role] of [
    [registries.nonsensitive.id, 'Container Registry Data Importer and Data Reader'],
    [registries.sensitive.id, 'Container Registry Data Importer and Data Reader'],
    [workspace.id, 'AzureML Data Scientist'],
  ] as const) {
    const lacking = inside.filter((one) => one.scope === scope && one.role === role);
    t.is(lacking.length, 1);
    roles.replace(all.filter((one) => !lacking.includes(one)));
    const { nextSteps } = await world.refused(t, ['promote', '--inside', file], {
      exitCode: 20,
      code: 'FORBIDDEN',
    });
    t.true(nextSteps.join(' ').includes(`"${role}" on ${scope}`), nextSteps.join(' '));
  }
});

test.serial(
  'register: the same image is done, another one is refused, and so is a race for the name',
  async (t) => {
    const first = await release(t, 'registered');
    await world.json(t, 'import', ['import', first.file]);
    await world.json(t, 'register', ['register', first.file]);
    t.true((await world.json(t, 'register', ['register', first.file])).environment.already);

    // Two repositories that call their environment the same.
    const other = await release(t, 'registered', { repository: 'ml/other', files: { 'app/x': 'other' } });
    await world.json(t, 'import', ['import', other.file]);
    const { message } = await world.refused(t, ['register', other.file], {
      exitCode: 10,
      code: 'VERSION_CONFLICT',
    });
    t.true(message.includes(first.digest) && message.includes(other.digest), message);

    const third = await release(t, 'raced');
    await world.json(t, 'import', ['import', third.file]);
    world.sandbox.faults.add({
      method: 'PUT',
      path: '/environments/',
      action: {
        kind: 'status',
        status: 409,
        body: { error: { code: 'UserError', message: 'name already exists' } },
      },
    });
    // With nothing under the name that conflict is a passing one: nothing is refused for good.
    await world.refused(t, ['register', third.file], { exitCode: 20, code: 'SERVICE_FAILED' });
  },
);

test.serial('register: the workspace is not there, not admitted, not chosen', async (t) => {
  const { file } = await release(t, 'homeless');
  await world.json(t, 'import', ['import', file]);
  const zones = path.join(world.directory, 'elsewhere.yaml');
  const text = readFileSync(world.zones.both, 'utf8');
  writeFileSync(zones, text.replaceAll('/workspaces/ml-risk', '/workspaces/ml-gone'));
  await world.refused(t, ['register', file, '--zones', zones], {
    exitCode: 20,
    code: 'NOT_FOUND',
    message: /no workspace .*ml-gone/,
  });
  writeFileSync(zones, text.replace("repository: 'ml/*'", "repository: 'ml/other-*'"));
  const refusal = { exitCode: 10, code: 'NOT_ADMITTED' } as const;
  await world.refused(t, ['import', file, '--zones', zones], refusal);
  await world.refused(t, ['register', file, '--zones', zones], refusal);
  await world.refused(t, ['register', file, '--workspace', 'nowhere'], {
    exitCode: 2,
    code: 'USAGE',
    message: /has no workspace nowhere/,
  });
  await world.refused(t, ['promote', '--inside', file, '--zones', zones, '--dry-run'], refusal);
});

test.serial('register and run what was never imported: exit 20, and it says so first', async (t) => {
  const { file } = await release(t, 'unimported');
  for (const command of ['register', 'run']) {
    const { message } = await world.refused(t, [command, file], { exitCode: 20, code: 'INCONCLUSIVE' });
    t.regex(message, /was the release imported\?/);
  }
});

const smoke = 'smoke: { command: "true", inputs: {}, outputs: { model: { type: uri_folder } } }';

test.serial('run: waits, shows the log, and tells the end by exit code', async (t) => {
  const { file } = await release(t, 'running', { more: smoke });
  await world.json(t, 'import', ['import', file]);
  await world.refused(t, ['run', file], { exitCode: 20, code: 'NOT_FOUND', message: /not registered/ });
  await world.json(t, 'register', ['register', file]);

  const well = endJobs(world.sandbox, { output: 'epoch 1\naccuracy=0.93\n' });
  const ran = await world.json(t, 'run', ['run', file]);
  t.like(ran.job, { status: 'Completed', score: 'accuracy=0.93', log: 'epoch 1\naccuracy=0.93' });
  const { stdout, stderr, exitCode } = await world.run(t, ['run', file, '--compute', 'cpu']);
  t.is(exitCode, 0);
  t.regex(stderr, /^run +\| accuracy=0\.93$/m);
  t.regex(stdout, /^score +accuracy=0\.93$/m);
  await well();

  const badly = endJobs(world.sandbox, { output: 'ValueError: no such column\n', status: 'Failed' });
  await world.refused(t, ['run', file], {
    exitCode: 10,
    code: 'JOB_FAILED',
    message: /ValueError: no such column/,
  });
  await badly();
  const status = await world.json(t, 'status', ['status', file]);
  t.true(typeof status.inside === 'object');
  t.like(status.inside, { lastJob: { status: 'Failed', proof: 'verified' } });
});

/** Somebody with rights on the workspace has registered the version beforehand. */
function plantEnvironment({ document, digest }: Released, changes: Readonly<Record<string, unknown>>): void {
  const { environments } = world.sandbox.context.workspace;
  const at = new Date().toISOString();
  environments.putVersion({
    name: document.name,
    version: document.version,
    definition: {
      image: `${registries.sensitive.host}/${document.repository}@${digest}`,
      condaFile: '',
      osType: 'Linux',
      isAnonymous: false,
    },
    tags: {},
    properties: {},
    isArchived: false,
    system: { createdAt: at, createdBy: 'x', createdByType: 'Application', lastModifiedAt: at },
    shown: changes,
  });
}

test.serial(
  'a version that only looks like ours is exit 10, with both values, for register and run',
  async (t) => {
    const planted = await release(t, 'lookalike', { more: smoke });
    await world.json(t, 'import', ['import', planted.file]);
    for (const [changes, message] of [
      [{ condaFile: 'dependencies: [evil]' }, /condaFile is "dependencies: \[evil\]" \(wanted: nothing\)/],
      [{ osType: 'Windows' }, /osType is "Windows" \(wanted: "Linux"\)/],
      [{ build: { contextUri: 'https://evil/' } }, /build is \{"contextUri":"https:\/\/evil\/"\}/],
      [{ inferenceConfig: { scoringRoute: { path: '/', port: 1 } } }, /inferenceConfig is /],
      [{ autoRebuild: 'OnBaseImageUpdate' }, /autoRebuild is "OnBaseImageUpdate" \(wanted: "Disabled"\)/],
      [{ runtimeClass: 'other' }, /runtimeClass is "other" \(wanted: nothing\)/],
    ] as const) {
      plantEnvironment(planted, changes);
      for (const command of ['register', 'run'])
        await world.refused(t, [command, planted.file], { exitCode: 10, code: 'VERSION_CONFLICT', message });
    }
    // Without anything that decides it is the same, whoever made it; what it says of itself is told to prove nothing.
    plantEnvironment(planted, { stage: 'Production', description: 'the good one' });
    const { environment, notes } = await world.json(t, 'register', ['register', planted.file]);
    t.true(environment.already);
    t.regex(notes.join(' '), /which prove nothing: tags\.amlpromote\.digest/);
  },
);

test.serial(
  'outputs cross from one smoke job to another only on the machine that saw the first complete',
  async (t) => {
    const supplier = await release(t, 'supplier', { more: smoke });
    const consumer = await release(t, 'consumer', {
      more: 'smoke: { command: "cat ${{inputs.model}}/x", inputs: { model: { type: uri_folder, path: { job: supplier, output: model } } } }',
    });
    for (const { file } of [supplier, consumer]) {
      await world.json(t, 'import', ['import', file]);
      await world.json(t, 'register', ['register', file]);
    }
    const end = endJobs(world.sandbox, { output: 'well\n' });
    const elsewhere = { XDG_STATE_HOME: world.file('state-of-another-machine') };
    const foreign = await world.json(t, 'run', ['run', supplier.file], { env: elsewhere });
    const { nextSteps } = await world.refused(t, ['run', consumer.file], {
      exitCode: 20,
      code: 'NOT_FOUND',
      message: /this machine has seen none complete/,
    });
    t.regex(nextSteps.join(' '), /Run supplier here first/);
    t.like((await world.json(t, 'status', ['status', supplier.file])).inside, {
      lastJob: { name: foreign.job.name, proof: 'unverified' },
    });
    t.regex((await world.run(t, ['status', supplier.file])).stdout, /Completed \(unverified: /);

    const own = await world.json(t, 'run', ['run', supplier.file]);
    t.not(own.job.name, foreign.job.name);
    const ran = await world.json(t, 'run', ['run', consumer.file]);
    const { jobs } = world.sandbox.context.workspace;
    t.like(jobs.get(ran.job.name)?.definition.inputs['model'], { uri: own.job.outputs[0]!.uri });
    t.like((await world.json(t, 'status', ['status', supplier.file])).inside, {
      lastJob: { name: own.job.name, proof: 'verified' },
    });

    // Somebody makes the workspace show the job as another one.
    jobs.put({ ...jobs.get(own.job.name)!, shown: { environmentVariables: { LD_PRELOAD: '/evil.so' } } });
    await world.refused(t, ['run', consumer.file], {
      exitCode: 10,
      code: 'INTEGRITY_MISMATCH',
      message: /environmentVariables is \{"LD_PRELOAD":"\/evil\.so"\} \(wanted: nothing\)/,
    });
    t.like((await world.json(t, 'status', ['status', supplier.file])).inside, {
      lastJob: { name: own.job.name, proof: 'unverified' },
    });
    await end();
  },
);

test.serial('a planted job, running or completed, is neither waited for nor taken', async (t) => {
  const { file } = await release(t, 'forged', { more: smoke });
  await world.json(t, 'import', ['import', file]);
  await world.json(t, 'register', ['register', file]);
  const end = endJobs(world.sandbox, { output: 'well\n' });
  const honest = await world.json(t, 'run', ['run', file]);
  const { jobs } = world.sandbox.context.workspace;
  const copied = jobs.get(honest.job.name)!;
  await end();
  for (const status of ['Running', 'Completed'] as const)
    jobs.put({ ...copied, name: `${honest.job.name.slice(0, -32)}${status}`, status });
  const again = endJobs(world.sandbox, { output: 'well\n' });
  const { job } = await world.json(t, 'run', ['run', file]);
  t.regex(job.name, /^amlpromote-forged-[0-9a-f]{12}-[0-9a-f]{32}$/);
  t.not(job.name, honest.job.name);
  await again();
});

test.serial('a state directory that cannot be used ends run before anything is submitted', async (t) => {
  const { file } = await release(t, 'stateless', { more: smoke });
  await world.json(t, 'import', ['import', file]);
  await world.json(t, 'register', ['register', file]);
  const { jobs } = world.sandbox.context.workspace;
  await world.refused(
    t,
    ['run', file],
    { exitCode: 2, code: 'USAGE', message: /state directory .* is not a directory/ },
    blocked(),
  );
  t.false(jobs.all().some(({ name }) => name.includes('stateless')));
});

function blocked(): { readonly XDG_STATE_HOME: string } {
  const file = world.file('no-directory');
  writeFileSync(file, '');
  return { XDG_STATE_HOME: file };
}

test.serial('run without a smoke job in the release is a matter of usage', async (t) => {
  const { file } = await release(t, 'jobless');
  await world.json(t, 'promote', ['promote', '--inside', file]);
  await world.refused(t, ['run', file], { exitCode: 2, code: 'USAGE', message: /no smoke job/ });
});

test.serial(
  'route registry: from a transfer host with access to both sides, and from nowhere else',
  async (t) => {
    const { file, digest } = await release(t, 'transferred');
    const imports = world.requests({ path: /\/importImage$/ });
    const byRegistry = (from: string): string => {
      const zones = `${from.slice(0, -'.yaml'.length)}-registry.yaml`;
      writeFileSync(zones, readFileSync(from, 'utf8').replace('via: acr-import', 'via: registry'));
      return zones;
    };
    const { message } = await world.refused(t, ['import', file, '--zones', byRegistry(world.zones.inside)], {
      exitCode: 2,
      code: 'USAGE',
    });
    t.regex(message, /no access for the nonsensitive zone/);
    const imported = await world.json(t, 'import', ['import', file, '--zones', byRegistry(world.zones.both)]);
    t.is(imported.route, 'registry');
    t.is(imported.delivered.digest, digest);
    t.is(world.requests({ path: /\/importImage$/ }), imports, 'ARM was not asked');
    t.true((await world.json(t, 'import', ['import', file])).already, 'the route makes no difference');
  },
);
