import { execFileSync } from 'node:child_process';
import * as z from 'zod';
import type { NotationCase } from './notation-draft.ts';

const answerSchema = z.object({
  id: z.string(),
  verified: z.boolean(),
  error: z.string().optional(),
  version: z.string(),
});

export type NotationAnswer = z.infer<typeof answerSchema>;

/** notation-go's answers, in the order of the cases. Revocation is skipped: our rule about it is stricter on purpose. */
export function askNotation(program: string, cases: readonly NotationCase[]): readonly NotationAnswer[] {
  const lines = cases.map(({ subject, ...one }) =>
    JSON.stringify({
      ...one,
      trustedIdentities: [`x509.subject: ${subject}`],
      override: { revocation: 'skip' },
    }),
  );
  const output = execFileSync(program, { input: `${lines.join('\n')}\n`, maxBuffer: 64 * 1024 * 1024 });
  return output
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => answerSchema.parse(JSON.parse(line)));
}
