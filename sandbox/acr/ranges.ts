import type { SandboxRequest } from '../http.ts';
import { ResponseError } from '../http.ts';

export interface ByteRange {
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
}

/**
 * One `bytes=` range of the request, undefined when it has none (RFC 9110 §14; several ranges are answered whole).
 * @throws ResponseError 416
 */
export function rangeOf(request: SandboxRequest, size: number): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '');
  if (!match) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size || start > end)
    throw new ResponseError({ status: 416, headers: { 'content-range': `bytes */${size}` } });
  return { start, end };
}
