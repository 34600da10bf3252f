import { artifactContainer, artifactPrefix, systemLog, userLog } from '../aml/uris.ts';
import type { BlobStore } from '../blob/store.ts';

/** A job's two log files; they grow while the job runs. */
export interface JobLog {
  /** Output of the command, as it comes. */
  output(chunk: Uint8Array): void;
  /** A line of the compute itself. */
  note(text: string): void;
  /** The end of the output, as text. */
  tail(): string;
}

const maxBytes = 64 * 1024 * 1024;
const tailBytes = 2048;

export function openLog(store: BlobStore, job: string, clock: { now(): Date }): JobLog {
  const write = (file: string, bytes: Uint8Array): void =>
    store.append(artifactContainer, `${artifactPrefix(job)}/${file}`, bytes);
  let size = 0;
  let end = Buffer.alloc(0);
  return {
    output(chunk) {
      if (size >= maxBytes) return;
      size += chunk.byteLength;
      write(userLog, chunk);
      if (size >= maxBytes)
        write(userLog, Buffer.from(`\n[the log is cut here: more than ${maxBytes} bytes]\n`));
      end = Buffer.from(Buffer.concat([end, chunk]).subarray(-tailBytes));
    },
    note: (text) => write(systemLog, Buffer.from(`${clock.now().toISOString()} ${text}\n`)),
    tail: () => end.toString('utf8').trim(),
  };
}
