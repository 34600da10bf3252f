import { Readable } from 'node:stream';

/** dockerode's answers are Node's own streams, typed as the older interface. */
export const readableOf = (stream: NodeJS.ReadableStream): Readable =>
  stream instanceof Readable ? stream : new Readable().wrap(stream);
