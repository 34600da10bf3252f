import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { hexOf } from '../../../src/domain/digest.ts';
import { createLock } from '../../../src/oci/store/lock.ts';
import { storePaths } from '../../../src/oci/store/paths.ts';
import { openStore } from '../../../src/oci/store/store.ts';
import { descriptorOf, failsWith, pushImage, streamOf, temporaryDirectory } from './support.ts';

const worker = fileURLToPath(new URL('worker.ts', import.meta.url));

interface Worker {
  readonly child: ChildProcess;
  readonly lines: AsyncIterator<string>;
  readonly exited: Promise<unknown>;
}

function start(t: ExecutionContext, ...args: string[]): Worker {
  const child = spawn(process.execPath, [worker, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, lines, exited: once(child, 'exit') };
}

async function kill({ child, exited }: Worker): Promise<void> {
  child.kill('SIGKILL');
  await exited;
}

test('two processes at once: every tag of both is there', async (t) => {
  const directory = temporaryDirectory(t);
  const workers = [1, 2, 3].map(() => start(t, directory, 'pushes', '12'));
  const codes = await Promise.all(workers.map(async ({ exited }) => ((await exited) as [number])[0]));
  t.deepEqual(codes, [0, 0, 0]);
  const repository = (await openStore(directory)).repository('a');
  const tags = await repository.tags();
  t.is(tags.length, 36);
  for (const tag of tags) t.truthy(await repository.manifest(tag));
  t.deepEqual(readdirSync(join(directory, 'sessions')), []);
});

test('threat 39: the lock of a process that was killed is taken over, by one of many', async (t) => {
  const directory = temporaryDirectory(t);
  const holder = start(t, directory, 'hold-lock');
  t.is((await holder.lines.next()).value, 'held');
  const paths = storePaths(directory);
  let inside = 0;
  let most = 0;
  // Separate lock objects: these exclude each other by the file alone.
  const waiting = Array.from({ length: 8 }, () =>
    createLock(
      paths,
      30_000,
    )(async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    }),
  );
  await kill(holder);
  await Promise.all(waiting);
  t.is(most, 1);
  t.deepEqual(readdirSync(paths.locks), []);
});

test('threat 39: a process that was killed while it took a lock away is succeeded, too', async (t) => {
  const directory = temporaryDirectory(t);
  const holder = start(t, directory, 'hold-lock');
  await holder.lines.next();
  await kill(holder);
  const paths = storePaths(directory);
  const dead = JSON.parse(readFileSync(join(paths.locks, 'store'), 'utf8')) as {
    nonce: string;
    process: object;
  };
  // Two generations of dead successors.
  const writeRight = (of: string, nonce: string): void =>
    writeFileSync(join(paths.locks, `break-${of}`), JSON.stringify({ nonce, process: dead.process }));
  writeRight(dead.nonce, 'aaaa');
  writeRight('aaaa', 'bbbb');
  t.is(await createLock(paths, 5000)(async () => 'done'), 'done');
  t.deepEqual(readdirSync(paths.locks), []);
});

test('a living holder, or one that cannot be judged, is waited for: STORE_LOCKED says by whom and what to do', async (t) => {
  const directory = temporaryDirectory(t);
  const holder = start(t, directory, 'hold-lock');
  await holder.lines.next();
  const paths = storePaths(directory);
  const error = await failsWith(t, 'STORE_LOCKED', () => createLock(paths, 50)(async () => undefined));
  t.true(error.message.includes(String(holder.child.pid)) && error.message.includes(hostname()));
  await kill(holder);
  const elsewhere = { host: 'elsewhere', boot: 'b', namespace: '', pid: 1, started: '1' };
  writeFileSync(join(paths.locks, 'store'), JSON.stringify({ nonce: 'cccc', process: elsewhere }));
  const foreign = await failsWith(t, 'STORE_LOCKED', () => createLock(paths, 50)(async () => undefined));
  t.true(foreign.nextSteps.join(' ').includes(join(paths.locks, 'store')));
});

test('a lock file with a pid that was given out again is stale', async (t) => {
  const directory = temporaryDirectory(t);
  const holder = start(t, directory, 'hold-lock');
  await holder.lines.next();
  await kill(holder);
  const paths = storePaths(directory);
  const file = join(paths.locks, 'store');
  const dead = JSON.parse(readFileSync(file, 'utf8')) as { nonce: string; process: object };
  writeFileSync(file, JSON.stringify({ ...dead, process: { ...dead.process, pid: process.pid } }));
  t.is(await createLock(paths, 5000)(async () => 'done'), 'done');
});

test('threat 40: kill -9 in the middle of a blob leaves no blob, and prune removes the rest', async (t) => {
  const directory = temporaryDirectory(t);
  const writer = start(t, directory, 'half-blob');
  t.is((await writer.lines.next()).value, 'half');
  await kill(writer);
  t.deepEqual(readdirSync(join(directory, 'blobs', 'sha256')), []);
  t.is(readdirSync(join(directory, 'tmp')).length, 1);
  const store = await openStore(directory);
  t.is((await store.prune()).removed, 1);
  t.deepEqual(readdirSync(join(directory, 'tmp')), []);
});

test('threat 40: the next writer frees what killed processes left, and nothing of a living one', async (t) => {
  const directory = temporaryDirectory(t);
  for (let kills = 0; kills < 3; kills += 1) {
    const writer = start(t, directory, 'half-blob');
    await writer.lines.next();
    await kill(writer);
    // Each frees what the one before left.
    t.is(readdirSync(join(directory, 'tmp')).length, 1);
    t.is(readdirSync(join(directory, 'sessions')).length, 1);
  }
  const living = start(t, directory, 'half-blob');
  await living.lines.next();
  const [file = ''] = readdirSync(join(directory, 'tmp'));
  t.true(file.includes(`-${String(living.child.pid)}-`));
  // Not to be judged from here: another host, another pid namespace, the names of version 0.1.0.
  const foreign = ['aaaaaaaa-bbbbbbbb-cccccccc-1-1.x', '1-1.x', 'anything'];
  for (const name of foreign) writeFileSync(join(directory, 'tmp', name), '');
  const store = await openStore(directory);
  await store.addBlob('a/b', streamOf('new'));
  t.deepEqual(readdirSync(join(directory, 'tmp')).sort(), [...foreign, file].sort());
  // Nor does prune take it from a living process, however old the file is.
  utimesSync(join(directory, 'tmp', file), 1, 1);
  await store.prune();
  t.true(readdirSync(join(directory, 'tmp')).includes(file));
  for (const name of foreign) {
    const path = join(directory, 'tmp', name);
    writeFileSync(path, '');
    utimesSync(path, 1, 1);
  }
  await (await openStore(directory)).addBlob('a/b', streamOf('newer'));
  t.deepEqual(readdirSync(join(directory, 'tmp')), [file]);
  await kill(living);
  await (await openStore(directory)).addBlob('a/b', streamOf('newest'));
  t.deepEqual(readdirSync(join(directory, 'tmp')), []);
});

test('many writers that start at once sweep without harm to each other', async (t) => {
  const directory = temporaryDirectory(t);
  await openStore(directory);
  const dead = start(t, directory, 'half-blob');
  await dead.lines.next();
  await kill(dead);
  const workers = [1, 2, 3].map(() => start(t, directory, 'pushes', '5'));
  const codes = await Promise.all(workers.map(async ({ exited }) => ((await exited) as [number])[0]));
  t.deepEqual(codes, [0, 0, 0]);
  t.deepEqual(readdirSync(join(directory, 'tmp')), []);
});

test('threat 39: kill -9 at any time while tags are pushed: the index is whole and names only whole images', async (t) => {
  const directory = temporaryDirectory(t);
  for (let round = 1; round <= 4; round += 1) {
    const writer = start(t, directory, 'pushes', '1000');
    for (let line = 0; line < round * 2; line += 1) await writer.lines.next();
    await kill(writer);
    const repository = (await openStore(directory)).repository('a');
    const tags = await repository.tags();
    t.true(tags.length >= round);
    for (const tag of tags) t.truthy(await repository.manifest(tag), tag);
  }
});

test('prune leaves what a living process wrote, and removes it once the process is gone', async (t) => {
  const directory = temporaryDirectory(t);
  const writer = start(t, directory, 'unfinished');
  t.is((await writer.lines.next()).value, 'written');
  const file = join(directory, 'blobs', 'sha256', hexOf(descriptorOf('unfinished').digest));
  const store = await openStore(directory);
  t.deepEqual(await store.prune(), { removed: 0, bytes: 0 });
  await kill(writer);
  t.deepEqual(await store.prune(), { removed: 1, bytes: 'unfinished'.length });
  t.throws(() => readFileSync(file));
});

test('prune leaves what a living process found, however old it is', async (t) => {
  const directory = temporaryDirectory(t);
  const store = await openStore(directory);
  await store.addBlob('a/b', streamOf('old'));
  const file = join(directory, 'blobs', 'sha256', hexOf(descriptorOf('old').digest));
  utimesSync(file, 1, 1);
  t.true(await store.repository('a').hasBlob(descriptorOf('old')));
  t.is((await store.prune()).removed, 0);
  utimesSync(file, 1, 1);
  t.is((await store.prune()).removed, 1);
});

test('prune keeps what a tag needs and its evidence, recursively, and nothing else', async (t) => {
  const directory = temporaryDirectory(t);
  const store = await openStore(directory);
  const repository = store.repository('a');
  const kept = await pushImage(repository, ['kept'], { tag: 'v' });
  const sbom = await pushImage(repository, ['sbom'], { subject: kept.descriptor, artifactType: 'a/sbom' });
  const signature = await pushImage(repository, ['sig'], { subject: sbom.descriptor, artifactType: 'a/sig' });
  const dropped = await pushImage(repository, ['dropped'], { tag: 'old' });
  const orphan = await pushImage(repository, ['orphan'], {
    subject: dropped.descriptor,
    artifactType: 'a/sbom',
  });
  await store.layers.remember(descriptorOf('tar 1').digest, descriptorOf('kept'));
  await store.layers.remember(descriptorOf('tar 2').digest, descriptorOf('dropped'));
  await repository.untag('old');
  makeOld(directory);
  const result = await store.prune();
  t.is(result.removed, 6);
  t.true(result.bytes > 0);
  for (const { descriptor } of [kept, sbom, signature])
    t.truthy(await repository.manifest(descriptor.digest));
  for (const { descriptor } of [dropped, orphan])
    t.is(await repository.resolve(descriptor.digest), undefined);
  t.is((await repository.referrers(kept.descriptor.digest)).length, 1);
  t.truthy(await store.layers.find(descriptorOf('tar 1').digest));
  t.is(await store.layers.find(descriptorOf('tar 2').digest), undefined);
  t.deepEqual(await store.prune(), { removed: 0, bytes: 0 });
});

test('prune lets go of builds that no version names any more, after a week', async (t) => {
  const directory = temporaryDirectory(t);
  const store = await openStore(directory);
  const repository = store.repository('a');
  const named = await pushImage(repository, ['named'], { tag: 'build-aaaaaaaaaaaa' });
  await repository.pushManifest(named, '1.0');
  const superseded = await pushImage(repository, ['superseded'], { tag: 'build-bbbbbbbbbbbb' });
  const facts = await pushImage(repository, ['facts'], {
    tag: 'facts-bbbbbbbbbbbb',
    subject: superseded.descriptor,
  });
  t.is((await store.prune()).removed, 0);
  makeOld(directory);
  t.is((await store.prune()).removed, 6);
  t.deepEqual(await repository.tags(), ['1.0', 'build-aaaaaaaaaaaa']);
  t.is(await repository.resolve(facts.descriptor.digest), undefined);
});

/** As if everything had been written long before any process that lives now. */
function makeOld(directory: string): void {
  const blobs = join(directory, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  for (const name of readdirSync(blobs)) utimesSync(join(blobs, name), 1, 1);
}
