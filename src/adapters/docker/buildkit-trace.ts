import type { LineReader } from './lines.ts';
import { logReader } from './lines.ts';

/**
 * The part of BuildKit's `moby.buildkit.v1.StatusResponse` (api/services/control/control.proto) that a person reads:
 * vertexes (1), logs (3) and warnings (4). Read by field number; unknown fields are skipped, as protobuf wants it.
 */
export interface Trace {
  readonly vertexes: readonly {
    readonly digest: string;
    readonly name: string;
    readonly started: boolean;
    readonly completed: boolean;
    readonly cached: boolean;
    readonly error: string;
  }[];
  readonly logs: readonly { readonly vertex: string; readonly text: string }[];
  readonly warnings: readonly string[];
}

export function decodeTrace(bytes: Uint8Array): Trace {
  const vertexes: Trace['vertexes'][number][] = [];
  const logs: Trace['logs'][number][] = [];
  const warnings: string[] = [];
  for (const { field, value } of fieldsOf(bytes)) {
    if (!(value instanceof Uint8Array)) continue;
    const inner = [...fieldsOf(value)];
    const text = (wanted: number): string => textOf(inner, wanted);
    if (field === 1) {
      vertexes.push({
        digest: text(1),
        name: text(3),
        cached: inner.some((item) => item.field === 4 && item.value !== 0),
        started: inner.some((item) => item.field === 5),
        completed: inner.some((item) => item.field === 6),
        error: text(7),
      });
    } else if (field === 3) {
      logs.push({ vertex: text(1), text: text(4) });
    } else if (field === 4) {
      warnings.push(text(3));
    }
  }
  return { vertexes, logs, warnings };
}

/** Turns traces into log lines: each step once when it starts, or when it turns out to be cached; output as it comes. */
export function traceReader(): (trace: Trace, onLog: (line: string) => void) => void {
  const announced = new Set<string>();
  const logs = new Map<string, LineReader>();
  return (trace, onLog) => {
    for (const { digest, name, started, cached, error } of trace.vertexes) {
      const key = `${digest} ${cached ? 'cached' : 'run'}`;
      if ((started || cached) && !announced.has(key) && name !== '') {
        announced.add(key);
        onLog(cached ? `CACHED ${name}` : name);
      }
      if (error !== '' && !announced.has(`${digest} error`)) {
        announced.add(`${digest} error`);
        onLog(`ERROR ${name}: ${error}`);
      }
    }
    for (const { vertex, text } of trace.logs) {
      const log = logs.get(vertex) ?? logReader(onLog);
      logs.set(vertex, log);
      log.write(text);
    }
    for (const { digest, completed } of trace.vertexes) {
      if (!completed) continue;
      logs.get(digest)?.end();
      logs.delete(digest);
    }
    for (const warning of trace.warnings) onLog(`WARNING ${warning}`);
  };
}

interface Field {
  readonly field: number;
  readonly value: number | Uint8Array;
}

const textOf = (fields: readonly Field[], wanted: number): string => {
  const found = fields.find(({ field, value }) => field === wanted && value instanceof Uint8Array);
  return found ? Buffer.from(found.value as Uint8Array).toString('utf8') : '';
};

/** Protobuf wire format: varint (0), 64 bit (1), length-delimited (2), 32 bit (5). Ends at the first thing it cannot read. */
function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number | undefined => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at];
      if (byte === undefined) return undefined;
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  while (at < bytes.byteLength) {
    const key = varint();
    if (key === undefined) return;
    const field = Math.floor(key / 8);
    switch (key % 8) {
      case 0: {
        const value = varint();
        if (value === undefined) return;
        yield { field, value };
        break;
      }
      case 1:
        at += 8;
        yield { field, value: 1 };
        break;
      case 2: {
        const length = varint();
        if (length === undefined || at + length > bytes.byteLength) return;
        yield { field, value: bytes.subarray(at, at + length) };
        at += length;
        break;
      }
      case 5:
        at += 4;
        yield { field, value: 1 };
        break;
      default:
        return;
    }
  }
}
