const pattern = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;

/** Seconds of an ISO 8601 duration in days, hours, minutes and seconds (`PT10M`); undefined for anything else, or none at all. */
export function parseDuration(text: string): number | undefined {
  const match = pattern.exec(text);
  const parts: (string | undefined)[] = match?.slice(1) ?? [];
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.map((part) => Number(part ?? 0));
  const total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
  return total > 0 && total < 2 ** 31 / 1000 ? total : undefined;
}
