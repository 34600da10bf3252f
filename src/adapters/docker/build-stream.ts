import { StringDecoder } from 'node:string_decoder';
import { decodeTrace, traceReader } from './buildkit-trace.ts';
import { lineReader, logReader } from './lines.ts';

/** What the stream of a build or a pull came to. */
export interface StreamOutcome {
  /** `sha256:…` of the image, as the stream said. */
  readonly imageId: string | undefined;
  /** The engine's word for why it stopped. The answer is "200 OK" even then: this line is the only sign. */
  readonly error: string | undefined;
}

/** A trace message holds at most some steps' logs; a longer line is no engine's. */
const maxEvent = 32 * 1024 * 1024;

/**
 * Reads the answer of `/build` or `/images/create`: one JSON object a line, in both dialects. The classic builder writes
 * `stream`, `status` and `aux`; BuildKit base64 protobuf under the id `moby.buildkit.trace`.
 */
export async function followStream(
  source: AsyncIterable<Uint8Array>,
  onLog: (line: string) => void,
): Promise<StreamOutcome> {
  const outcome: { imageId: string | undefined; error: string | undefined } = {
    imageId: undefined,
    error: undefined,
  };
  const trace = traceReader();
  const log = logReader(onLog);
  const accept = (line: string): void => {
    const event = parseEvent(line);
    if (!event) return;
    if (event.id === 'moby.buildkit.trace' && typeof event.aux === 'string') {
      trace(decodeTrace(Buffer.from(event.aux, 'base64')), onLog);
      return;
    }
    if (typeof event.stream === 'string') log.write(event.stream);
    else if (typeof event.status === 'string' && event.progressDetail === undefined) onLog(event.status);
    const id = idOf(event.aux);
    if (id !== undefined) outcome.imageId = id;
    const message = messageOf(event);
    if (message !== undefined) outcome.error ??= message;
  };
  // An event that is longer is left out: its kind cannot be told from its beginning.
  const lines = lineReader(maxEvent, (text, cut) => {
    if (!cut) accept(text);
  });
  const decoder = new StringDecoder('utf8');
  for await (const chunk of source) lines.write(decoder.write(Buffer.from(chunk)));
  lines.write(decoder.end());
  lines.end();
  log.end();
  return outcome;
}

function parseEvent(line: string): Record<string, unknown> | undefined {
  if (line.trim() === '') return undefined;
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function idOf(aux: unknown): string | undefined {
  if (typeof aux !== 'object' || aux === null || !('ID' in aux) || typeof aux.ID !== 'string')
    return undefined;
  return aux.ID;
}

function messageOf(event: Record<string, unknown>): string | undefined {
  const { error, errorDetail } = event;
  if (typeof errorDetail === 'object' && errorDetail !== null && 'message' in errorDetail) {
    return typeof errorDetail.message === 'string' ? errorDetail.message : 'unknown error';
  }
  return typeof error === 'string' ? error : undefined;
}
