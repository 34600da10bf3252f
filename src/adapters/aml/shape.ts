import * as z from 'zod';
import { AmlpromoteError } from '../../domain/errors.ts';

/** Checks an answer's shape; keys that we do not read may come and go. @throws CONTENT_INVALID */
export function shaped<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new AmlpromoteError(
    'CONTENT_INVALID',
    `${where}: unexpected shape at ${JSON.stringify(issue?.path.join('.') ?? '')}: ${issue?.message ?? ''}`,
  );
}

/** A body that is handed on as it is. */
export const rawSchema = z.record(z.string(), z.unknown());
