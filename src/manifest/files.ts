import { stat } from 'node:fs/promises';

/** A file that a manifest names: it must be there when the manifest is loaded, or the mistake shows an hour later. */
export interface FileCheck {
  /** Keys and indexes that lead to the value. */
  readonly at: readonly (string | number)[];
  readonly file: string;
  readonly is: 'file' | 'directory';
  readonly maxBytes?: number;
}

/** undefined when all is well, else what is wrong. */
export async function problemOfFile({ file, is, maxBytes }: FileCheck): Promise<string | undefined> {
  try {
    const found = await stat(file);
    if (is === 'directory') return found.isDirectory() ? undefined : `${file} is not a directory`;
    if (!found.isFile()) return `${file} is not a file`;
    if (maxBytes !== undefined && found.size > maxBytes)
      return `${file} has ${String(found.size)} bytes; at most ${String(maxBytes)} are allowed`;
    return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? `there is no ${is} ${file}`
      : `cannot read ${file} (${code})`;
  }
}
