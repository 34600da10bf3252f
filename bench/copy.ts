/** `npm run bench:copy [-- --runs N --size S --rows TEXT --json FILE]`: our copies against every peer that is installed. */
import { spawnSync } from 'node:child_process';
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { copyContent } from '../src/oci/copy.ts';
import { createRegistry } from '../src/oci/registry/registry.ts';
import { openStore } from '../src/oci/store/store.ts';
import type { DockerRegistry } from '../test/support/docker-registry.ts';
import { hasDockerRegistry, startDockerRegistry } from '../test/support/docker-registry.ts';
import { createAuthority } from '../test/support/tls-authority.ts';
import type { BenchImage } from './image.ts';
import { makeImage } from './image.ts';
import { layoutReader } from './layout.ts';
import type { Sample } from './measure.ts';
import { measure } from './measure.ts';
import { installedPeers } from './peers.ts';
import { printReport } from './report.ts';
import type { Result } from './report.ts';
import type { Hosts } from './rows.ts';
import { benchRows } from './rows.ts';
import { startThrottle } from './throttle.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    size: { type: 'string', default: '1' },
    rows: { type: 'string', default: '' },
    json: { type: 'string' },
  },
});
const runs = Number(values.runs);
const scale = Number(values.size);
if (!Number.isInteger(runs) || runs < 1 || !(scale > 0 && scale <= 8)) {
  throw new Error('--runs takes a whole number, --size a number above 0 (1 is 1.5 GB)');
}
if (!hasDockerRegistry) throw new Error("needs Debian's docker-registry on the PATH");

const project = path.resolve(import.meta.dirname, '..');
const work = path.join(project, '.work', 'bench', `size-${String(scale)}`);
const folders = {
  source: path.join(work, 'registry-source'),
  target: path.join(work, 'registry-target'),
  targetWithV1: path.join(work, 'registry-v1'),
  store: path.join(work, 'store'),
  scratch: path.join(work, 'scratch'),
};
const note = (text: string): void => void process.stderr.write(`${text}\n`);

/** Our side as it ships: compiled, so that stripping types is not part of the figures. */
function compileOurs(): string {
  const outDir = path.join(project, '.work', 'bench', 'build');
  const tsc = path.join(project, 'node_modules', 'typescript', 'bin', 'tsc');
  const compiler = spawnSync(
    process.execPath,
    [tsc, '-p', path.join(project, 'bench', 'tsconfig.json'), '--outDir', outDir],
    { encoding: 'utf8', cwd: project },
  );
  if (compiler.status !== 0) throw new Error(`tsc: ${compiler.stdout}`);
  return path.join(outDir, 'bench', 'ours.js');
}

async function makeCertificate(): Promise<{ ca: string; certificate: string; key: string }> {
  const authority = await createAuthority();
  const issued = await authority.issue(['127.0.0.1', 'localhost']);
  const files = {
    ca: path.join(folders.scratch, 'ca.pem'),
    certificate: path.join(folders.scratch, 'server.pem'),
    key: path.join(folders.scratch, 'server-key.pem'),
  };
  await writeFile(files.ca, authority.ca);
  await writeFile(files.certificate, issued.cert);
  await writeFile(files.key, issued.key);
  return files;
}

/** Source registry, a snapshot of a target that has v1, and our store; kept from run to run. */
async function seed(image: BenchImage, source: string, target: string): Promise<void> {
  const done = path.join(work, 'seeded');
  const there = await access(done).then(
    () => true,
    () => false,
  );
  if (there) return;
  note('seeding the registries and the store …');
  const registry = createRegistry({ host: source, scheme: 'http' });
  const snapshot = createRegistry({ host: target, scheme: 'http' });
  const store = await openStore(folders.store);
  for (const { directory, root, tag } of image.versions) {
    const from = layoutReader(directory, root);
    await copyContent({ from, to: registry.repository('bench'), root, tag });
    if (tag === 'v2') continue;
    await copyContent({ from, to: snapshot.repository('bench'), root, tag });
    await copyContent({ from, to: store.repository('bench'), root, tag });
  }
  spawnSync('cp', ['-al', folders.target, folders.targetWithV1]);
  await writeFile(done, '');
}

const peers = installedPeers();
note(`peers: ${peers.map((peer) => `${peer.name} ${peer.version}`).join(', ') || 'none installed'}`);
const worker = compileOurs();
note('making the image (cached) …');
const image = await makeImage(path.join(work, 'image'), scale);
await rm(folders.scratch, { recursive: true, force: true });
await rm(folders.target, { recursive: true, force: true });
for (const folder of Object.values(folders))
  if (folder !== folders.targetWithV1) await mkdir(folder, { recursive: true });
const certificate = await makeCertificate();

const started: DockerRegistry[] = [];
const start = async (directory: string, tls: boolean): Promise<DockerRegistry> => {
  const server = await startDockerRegistry({ directory, ...(tls ? { tls: certificate } : {}) });
  started.push(server);
  return server;
};

const results: Result[] = [];
let throttle: { close(): void } | undefined;
try {
  const source = await start(folders.source, false);
  const target = await start(folders.target, false);
  const link = await startThrottle(source.port, { bytesPerSecond: 60e6, delay: 20 });
  throttle = link;
  const hosts: Hosts = {
    source: source.host,
    target: target.host,
    sourceTls: (await start(folders.source, true)).host,
    targetTls: (await start(folders.target, true)).host,
    throttled: link.host,
    ca: certificate.ca,
  };
  await seed(image, hosts.source, hosts.target);
  for (const row of benchRows(image, hosts, folders)) {
    if (!row.name.includes(values.rows)) continue;
    const samples = new Map<string, Sample[]>();
    for (let run = 0; run < runs; run += 1) {
      // In alternation: what else the machine does hits all alike.
      const { from, to } = row.peers(run);
      const contestants = [
        { name: 'ours', argv: [process.execPath, worker, JSON.stringify(row.ours(run))] },
        ...peers.flatMap((peer) => {
          const argv = peer.command(from, to);
          return argv ? [{ name: peer.name, argv }] : [];
        }),
      ];
      for (const { name, argv } of contestants) {
        await row.reset(run);
        const sample = await measure(argv);
        samples.set(name, [...(samples.get(name) ?? []), sample]);
        note(`${row.name} · ${name} · run ${String(run + 1)}: ${sample.wall.toFixed(2)} s`);
      }
    }
    results.push({ row: row.name, target: row.target, samples: Object.fromEntries(samples) });
  }
} finally {
  throttle?.close();
  await Promise.all(started.map(async (server) => server.stop()));
}

const report = {
  image: { bytes: image.bytes, layers: 12, scale },
  runs,
  machine: { cpus: cpus().length, model: cpus()[0]?.model ?? 'unknown', node: process.version },
  peers: peers.map(({ name, version }) => ({ name, version })),
  results,
};
printReport(report);
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
