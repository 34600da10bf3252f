/** When a field came to an API: into the previews, and into the stable versions. Absent: it never did. */
export interface Since {
  readonly preview?: string;
  readonly stable?: string;
}

/** True for a field that this version has. Versions compare by their dates; a preview goes by the previews' date. */
function hasField(since: Since, apiVersion: string): boolean {
  const first = apiVersion.endsWith('preview') ? since.preview : since.stable;
  return first !== undefined && apiVersion.slice(0, 10) >= first;
}

/** The object without the fields that the version does not have; what is not in `since` was always there. */
export const shownIn = (
  apiVersion: string,
  since: Readonly<Record<string, Since>>,
  object: object,
): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(object).filter(([key]) => {
      const known = Object.hasOwn(since, key) ? since[key] : undefined;
      return known === undefined || hasField(known, apiVersion);
    }),
  );
