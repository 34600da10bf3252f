/** One reading of a build context, as a process of its own: what the bench times. `node our-context.ts DIRECTORY [CACHE]` */
import { hmacSeal } from '../src/adapters/seal/hmac.ts';
import { readContext } from '../src/steps/build/context.ts';
import { openFileDigests } from '../src/steps/build/file-digests.ts';

const [directory = '.', cache] = process.argv.slice(2);
const digests =
  cache === undefined
    ? undefined
    : await openFileDigests(directory, { directory: cache, seal: hmacSeal(Buffer.from('bench')) });
await readContext(directory, 'Dockerfile', digests && { digests });
