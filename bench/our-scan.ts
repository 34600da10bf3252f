/** One scan by our embedded scanner, as a process of its own: what the bench times. `node our-scan.ts '{"directory":…}'` */
import { hmacSeal } from '../src/adapters/seal/hmac.ts';
import type { Descriptor } from '../src/domain/descriptor.ts';
import { createBuiltinScanner } from '../src/scanner/builtin.ts';
import { layoutReader } from './layout.ts';

export interface OurScan {
  /** OCI layout of the image, and its manifest. */
  readonly directory: string;
  readonly root: Descriptor;
  readonly databaseDir: string;
  readonly cacheDir?: string;
}

const job = JSON.parse(process.argv[2] ?? '{}') as OurScan;
const scanner = createBuiltinScanner({
  databaseDir: job.databaseDir,
  ...(job.cacheDir === undefined
    ? {}
    : { cache: { directory: job.cacheDir, seal: hmacSeal(Buffer.from('bench')) } }),
  clock: { now: () => new Date(), sleep: () => Promise.resolve() },
  version: 'bench',
});
const { report } = await scanner.scan({
  content: layoutReader(job.directory, job.root),
  image: job.root,
  progress: () => undefined,
});
if (report.coverage.gaps.some(({ code }) => code === 'UNREADABLE_LAYER'))
  throw new Error('a layer was not read');
