import * as z from 'zod';
import { isDigest } from '../../domain/digest.ts';
import type { Digest } from '../../domain/digest.ts';
import { canonicalJson } from '../../json/canonical.ts';
import { malformed } from '../check.ts';

export const digestField = z.string().transform((text, context): Digest => {
  if (isDigest(text)) return text;
  context.addIssue({ code: 'custom', message: 'not a sha256 digest' });
  return z.NEVER;
});

/** RFC 3339 in UTC, with or without fractions of a second. */
export const timeField = z.iso.datetime();

/** @throws CONTENT_INVALID naming the first member that is wrong */
export function parseWith<T extends z.ZodType>(schema: T, value: unknown, where: string): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return malformed(where, `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
}

/**
 * A predicate must say what was read from it, and nothing besides: whatever our reader does not see, another reader might.
 * @throws CONTENT_INVALID
 */
export function mustEqual(predicate: unknown, expected: unknown, where: string): void {
  if (canonicalJson(predicate) !== canonicalJson(expected))
    malformed(where, 'has members that are unknown or contradict each other');
}
