/** Durations and sizes as people write them in manifests. Integers with a unit; nothing is guessed. */

const secondsPer: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

const bytesPer: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

export const durationPattern = /^[1-9]\d{0,8}[smhdw]$/;
export const sizePattern = /^[1-9]\d{0,14}(?:B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/;

/** `90s`, `10m`, `4h`, `14d`, `2w` → seconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (!durationPattern.test(text)) return undefined;
  return Number(text.slice(0, -1)) * (secondsPer[text.slice(-1)] ?? Number.NaN);
}

/** `512MiB`, `20GiB`, `1GB` → bytes; undefined for anything else, or when it exceeds 2⁵³. */
export function parseSize(text: string): number | undefined {
  const match = sizePattern.test(text) ? /^(\d+)(\D+)$/.exec(text) : null;
  const bytes = match ? Number(match[1]) * (bytesPer[match[2] ?? ''] ?? Number.NaN) : Number.NaN;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Seconds as the largest whole unit: 1209600 → `14d`. */
export function formatDuration(seconds: number): string {
  for (const unit of ['d', 'h', 'm'] as const) {
    const per = secondsPer[unit] ?? 1;
    if (seconds >= per && seconds % per === 0) return `${String(seconds / per)}${unit}`;
  }
  return `${String(Math.round(seconds))}s`;
}

/** Bytes for people: 1.5 GiB. */
export function formatSize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB'] as const) {
    const per = bytesPer[unit] ?? 1;
    if (bytes >= per) return `${String(Math.round((bytes / per) * 10) / 10)} ${unit}`;
  }
  return `${String(bytes)} B`;
}
