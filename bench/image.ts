import { createCipheriv } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import type { Descriptor } from '../src/domain/descriptor.ts';
import type { Digest } from '../src/domain/digest.ts';
import { hexOf } from '../src/domain/digest.ts';
import { annotations, mediaTypes } from '../src/domain/media-types.ts';
import { createHasher, sha256 } from '../src/domain/sha256.ts';
import { encodeManifest } from '../src/oci/manifest.ts';

/** The image of the benchmarks, in two versions that differ in their two top layers; each an OCI layout of its own. */
export interface BenchImage {
  readonly versions: readonly {
    readonly tag: 'v1' | 'v2';
    readonly directory: string;
    readonly root: Descriptor;
  }[];
  readonly bytes: number;
}

interface LayerPlan {
  readonly name: string;
  /** Compressed size in MB at full size. */
  readonly megabytes: number;
  readonly files: number;
  /** Share of incompressible content. */
  readonly random: number;
  readonly folder: string;
}

/** A machine-learning image as one finds them: a distribution, CUDA, a framework, thousands of Python files, weights, an app. */
const plans: readonly LayerPlan[] = [
  { name: 'base', megabytes: 30, files: 3200, random: 0.02, folder: 'usr' },
  { name: 'apt', megabytes: 120, files: 7000, random: 0.05, folder: 'usr/lib' },
  { name: 'cuda', megabytes: 500, files: 180, random: 0.3, folder: 'usr/local/cuda/lib64' },
  {
    name: 'torch',
    megabytes: 350,
    files: 2500,
    random: 0.25,
    folder: 'opt/conda/lib/python3.12/site-packages/torch',
  },
  {
    name: 'site',
    megabytes: 150,
    files: 24_000,
    random: 0.05,
    folder: 'opt/conda/lib/python3.12/site-packages',
  },
  { name: 'conda', megabytes: 90, files: 5000, random: 0.1, folder: 'opt/conda' },
  { name: 'tools', megabytes: 60, files: 1200, random: 0.1, folder: 'usr/local/bin' },
  { name: 'weights', megabytes: 130, files: 6, random: 1, folder: 'models' },
  { name: 'data', megabytes: 40, files: 400, random: 0.5, folder: 'srv/data' },
  { name: 'appdeps', megabytes: 15, files: 1500, random: 0.05, folder: 'app/vendor' },
  { name: 'app', megabytes: 8, files: 300, random: 0.05, folder: 'app' },
  { name: 'cfg', megabytes: 5, files: 60, random: 0.1, folder: 'app/etc' },
];

interface Layer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly name: string;
}

/**
 * Makes the image below `directory`, or finds it there from an earlier run. Deterministic: the same scale gives the same bytes
 * with the same zlib.
 * @param scale 1 is 1.5 GB in twelve layers; 0.01 is a smoke test
 */
export async function makeImage(directory: string, scale: number): Promise<BenchImage> {
  const done = path.join(directory, 'image.json');
  const known = await readFile(done, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as BenchImage;
  await rm(directory, { recursive: true, force: true });
  await mkdir(path.join(directory, 'blobs'), { recursive: true });
  const corpus = makeCorpus();
  const first = await makeLayers(directory, corpus, plans, scale, 0);
  const changed = await makeLayers(directory, corpus, plans.slice(-2), scale, 100);
  const image = {
    versions: [
      await makeVersion(directory, 'v1', first),
      await makeVersion(directory, 'v2', [...first.slice(0, -2), ...changed]),
    ],
    bytes: first.reduce((sum, layer) => sum + layer.descriptor.size, 0),
  } as const;
  await writeFile(done, JSON.stringify(image));
  return image;
}

/** Two at a time: gzip runs on the thread pool. */
async function makeLayers(
  directory: string,
  corpus: Buffer,
  wanted: readonly LayerPlan[],
  scale: number,
  seed: number,
): Promise<readonly Layer[]> {
  const made: Layer[] = [];
  const queue = wanted
    .map((plan, index) => ({ plan, index }))
    .sort((a, b) => b.plan.megabytes - a.plan.megabytes);
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      made[next.index] = await makeLayer(directory, corpus, next.plan, scale, seed + next.index);
    }
  };
  await Promise.all([worker(), worker()]);
  return made;
}

async function makeLayer(
  directory: string,
  corpus: Buffer,
  plan: LayerPlan,
  scale: number,
  seed: number,
): Promise<Layer> {
  const random = createRandom(seed);
  const ratio = gzipSync(corpus.subarray(0, 4_000_000)).byteLength / 4_000_000;
  const raw = (plan.megabytes * 1e6 * scale) / (plan.random + (1 - plan.random) * ratio);
  const files = Math.max(3, Math.round(plan.files * Math.min(1, scale * 4)));
  // Few large files and many small ones.
  const weights = Array.from({ length: files }, () => (1 - random.number()) ** -0.9);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const tar = pack();
  const compressed = createHasher();
  const plain = createHasher();
  let size = 0;
  const temporary = path.join(directory, `layer-${String(seed)}`);
  const written = pipeline(
    tar,
    tap((chunk) => plain.update(chunk)),
    createGzip({ chunkSize: 256 * 1024 }),
    tap((chunk) => {
      compressed.update(chunk);
      size += chunk.byteLength;
    }),
    createWriteStream(temporary),
  );
  const mtime = new Date(1_700_000_000_000);
  for (const [index, weight] of weights.entries()) {
    const content = makeContent(random, corpus, Math.max(20, Math.floor((raw * weight) / sum)), plan.random);
    const name = `${plan.folder}/d${String(index % 97)}/${plan.name}_${String(index)}`;
    await new Promise<void>((resolve, reject) => {
      tar.entry({ name, mtime, mode: 0o644 }, content, (error) => (error ? reject(error) : resolve()));
    });
  }
  tar.finalize();
  await written;
  const digest = compressed.digest();
  await rename(temporary, path.join(directory, 'blobs', hexOf(digest)));
  return {
    name: plan.name,
    descriptor: { mediaType: mediaTypes.ociLayerGzip, digest, size },
    diffId: plain.digest(),
  };
}

const tap = (look: (chunk: Uint8Array) => void): Transform =>
  new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      look(chunk);
      done(null, chunk);
    },
  });

async function makeVersion(directory: string, tag: 'v1' | 'v2', layers: readonly Layer[]) {
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Env: [`VERSION=${tag}`] },
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
      history: layers.map((layer) => ({ created_by: layer.name })),
    }),
  );
  const manifest = encodeManifest({
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: sha256(config), size: config.byteLength },
    layers: layers.map((layer) => layer.descriptor),
  });
  const target = path.join(directory, tag);
  const blobs = path.join(target, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  for (const { descriptor } of layers) {
    const hex = hexOf(descriptor.digest);
    await link(path.join(directory, 'blobs', hex), path.join(blobs, hex));
  }
  await writeFile(path.join(blobs, hexOf(sha256(config))), config);
  await writeFile(path.join(blobs, hexOf(manifest.descriptor.digest)), manifest.bytes);
  await writeFile(path.join(target, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const root = { ...manifest.descriptor, annotations: { [annotations.refName]: tag } };
  await writeFile(path.join(target, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [root] }));
  await access(target);
  return { tag, directory: target, root: manifest.descriptor };
}

/** 32 MiB that compress about as well as program text does. */
function makeCorpus(): Buffer {
  const random = createRandom(4242);
  const words = Array.from({ length: 4000 }, () => {
    const length = 3 + Math.floor(random.number() * 8);
    return Array.from(random.bytes(length), (byte) => String.fromCharCode(97 + (byte % 26))).join('');
  });
  const parts: string[] = [];
  for (let size = 0; size < 32 * 1024 * 1024;) {
    const word = words[Math.floor(random.number() ** 2.5 * words.length)] ?? '';
    parts.push(word);
    size += word.length + 1;
  }
  return Buffer.from(parts.join(' '));
}

function makeContent(random: Random, corpus: Buffer, size: number, share: number): Buffer {
  const parts: Buffer[] = [];
  for (let left = size; left > 0;) {
    const length = Math.min(left, 8192 + Math.floor(random.number() * 57_344));
    const start = Math.floor(random.number() * (corpus.byteLength - length));
    parts.push(random.number() < share ? random.bytes(length) : corpus.subarray(start, start + length));
    left -= length;
  }
  return Buffer.concat(parts);
}

interface Random {
  bytes(count: number): Buffer;
  /** 0 ≤ n < 1 */
  number(): number;
}

/** AES-CTR over nothing: fast, and the same everywhere. */
function createRandom(seed: number): Random {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed);
  const stream = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  let pool: Buffer = Buffer.alloc(0);
  const bytes = (count: number): Buffer => stream.update(Buffer.alloc(count));
  return {
    bytes,
    number() {
      if (pool.byteLength < 4) pool = bytes(64 * 1024);
      const value = pool.readUInt32BE(0) / 2 ** 32;
      pool = pool.subarray(4);
      return value;
    },
  };
}
