import type { SandboxRequest } from '../http.ts';

export interface Page<T> {
  readonly items: readonly T[];
  /** The `Link` header when there is more. */
  readonly headers: Record<string, string>;
}

/** Pages by `n` and `last` (the key of the last item seen), linked by RFC 8288 `rel="next"`, relative as ACR does. */
export function pageOf<T>(
  request: SandboxRequest,
  items: readonly T[],
  keyOf: (item: T) => string,
  pageSize: number,
): Page<T> {
  const query = request.url.searchParams;
  const asked = Number(query.get('n') ?? pageSize);
  const size = Number.isSafeInteger(asked) && asked > 0 ? Math.min(asked, pageSize) : pageSize;
  const last = query.get('last');
  const seen = last === null ? -1 : items.findIndex((item) => keyOf(item) === last);
  // A key that is gone meanwhile: go on behind the place where it would be.
  const from =
    last !== null && seen === -1
      ? ((index) => (index === -1 ? items.length : index))(items.findIndex((item) => keyOf(item) > last))
      : seen + 1;
  const page = items.slice(from, from + size);
  const end = page.at(-1);
  if (end === undefined || from + size >= items.length) return { items: page, headers: {} };
  const next = new URLSearchParams(query);
  next.set('last', keyOf(end));
  next.set('n', String(size));
  const path = request.url.pathname;
  return { items: page, headers: { link: `<${path}?${next.toString()}>; rel="next"` } };
}
