import * as z from 'zod';
import { durationPattern, parseDuration, parseSize, sizePattern } from '../units.ts';

/** Turns a path as written (relative to the manifest) into one to open. The published JSON Schema uses the identity. */
export type ResolvePath = (written: string) => string;

export const apiVersion = z.literal('amlpromote/v1').describe('Version of the manifest format.');

/** Text with a grammar of its own; `error` completes "KEY: …". */
export const text = (is: (value: string) => boolean, error: string) => z.string().refine(is, { error });

export const filled = (max: number) =>
  z
    .string()
    .min(1, { error: 'must not be empty' })
    .max(max, { error: `is longer than ${String(max)} characters` });

export const filePath = (resolve: ResolvePath) =>
  filled(4096)
    .refine((value) => !value.includes('\0'), { error: 'is not a path' })
    .transform((value) => resolve(value));

/** Written `14d`; seconds after parsing. */
export const duration = (minSeconds: number, maxSeconds: number) =>
  z
    .string()
    .regex(durationPattern, {
      error: 'is not a duration: write a whole number and s, m, h, d or w, e.g. 14d',
    })
    .transform((value) => parseDuration(value) ?? Number.NaN)
    .refine((seconds) => seconds >= minSeconds && seconds <= maxSeconds, {
      error: `is out of range: ${String(minSeconds)} to ${String(maxSeconds)} seconds`,
    });

/** Written `20GiB`; bytes after parsing. */
export const size = () =>
  z
    .string()
    .regex(sizePattern, { error: 'is not a size: write a whole number and a unit, e.g. 20GiB or 500MB' })
    .transform((value) => parseSize(value) ?? Number.NaN)
    .refine((bytes) => Number.isSafeInteger(bytes), { error: 'is too large' });

/** A name of an input, output or build argument: becomes an identifier elsewhere. */
export const identifier = z.string().regex(/^[A-Za-z_]\w{0,63}$/, {
  error: 'is not an identifier (letters, digits and underscores, not starting with a digit)',
});
