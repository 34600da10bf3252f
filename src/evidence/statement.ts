import * as z from 'zod';
import type { Digest } from '../domain/digest.ts';
import { hexOf, parseDigest } from '../domain/digest.ts';
import { canonicalBytes } from '../json/canonical.ts';
import { parseStrictJson } from '../json/strict.ts';
import { malformed } from './check.ts';
import { maxBundleBytes } from './sigstore-bundle.ts';

/** in-toto Statement v1 about exactly one digest. */
export interface Statement {
  readonly subject: { readonly name: string; readonly digest: Digest };
  readonly predicateType: string;
  readonly predicate: unknown;
}

const statementType = 'https://in-toto.io/Statement/v1';

/** Canonical JSON: the same statement always has the same bytes, which is how a repeated `sign` finds its work done. */
export const encodeStatement = ({ subject, predicateType, predicate }: Statement): Uint8Array =>
  canonicalBytes({
    _type: statementType,
    subject: [{ name: subject.name, digest: { sha256: hexOf(subject.digest) } }],
    predicateType,
    predicate,
  });

const statementSchema = z.strictObject({
  _type: z.literal(statementType),
  subject: z
    .array(
      z.strictObject({
        name: z.string().max(1024).optional(),
        digest: z.strictObject({ sha256: z.string() }),
        annotations: z.strictObject({}).nullish(),
      }),
    )
    .length(1),
  predicateType: z.string().max(1024),
  predicate: z.unknown(),
});

/** @throws CONTENT_INVALID: another type or version, several subjects, another digest algorithm, unknown members */
export function parseStatement(payload: Uint8Array, where: string): Statement {
  const parsed = statementSchema.safeParse(
    parseStrictJson(payload, { where, maxBytes: maxBundleBytes, maxDepth: 64 }),
  );
  const [subject] = parsed.data?.subject ?? [];
  if (!parsed.data || !subject) return malformed(where, 'not an in-toto statement about one sha256 digest');
  return {
    subject: {
      name: subject.name ?? '',
      digest: parseDigest(`sha256:${subject.digest.sha256}`, `${where} subject`),
    },
    predicateType: parsed.data.predicateType,
    predicate: parsed.data.predicate,
  };
}
