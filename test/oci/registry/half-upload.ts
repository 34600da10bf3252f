import { Readable } from 'node:stream';
import { createRegistry } from '../../../src/oci/registry/registry.ts';
import { blobOf } from './wire.ts';

/** Child of a test: sends half of a blob, says so, and waits to be killed. */
const [, , host = '', size = '0'] = process.argv;
const content = Buffer.alloc(Number(size), 'x');
const half = content.byteLength / 2;

const source = async (): Promise<Readable> => {
  const stream = new Readable({ read: () => undefined });
  stream.push(content.subarray(0, half));
  return stream;
};

await createRegistry({ host, scheme: 'http' })
  .repository('killed')
  .pushBlob(blobOf(content), source, { onBytes: (sent) => sent >= half && process.send?.('half') });
