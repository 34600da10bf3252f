import * as z from 'zod';
import type { Descriptor } from '../domain/descriptor.ts';
import { parseStrictJson, refuseCaseFolded } from '../json/strict.ts';
import { parseDescriptor } from '../oci/manifest.ts';
import { fromBase64, fromBase64Url } from './base64.ts';
import { maxChainLength } from './certificate-chain.ts';
import { malformed } from './check.ts';
import { notary } from './notation.ts';

/** Larger signature envelopes are refused; real ones have a few kilobytes. */
export const maxEnvelopeBytes = 512 * 1024;

/** A parsed envelope. Its claims are worth nothing before the signature and the certificates were judged. */
export interface NotationEnvelope {
  readonly algorithm: string;
  readonly signingTime: Date;
  readonly expiry: Date | undefined;
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** What the payload names. */
  readonly target: Descriptor;
  /** `BASE64URL(protected) . BASE64URL(payload)`, RFC 7515 §5.2. */
  readonly signedBytes: Uint8Array;
  readonly signature: Uint8Array;
}

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/);

/**
 * Unprotected headers are not signed: only the certificates are taken from there, and they are judged on their own. The other
 * two must at least be what other verifiers can read.
 */
const envelopeSchema = z.strictObject({
  payload: base64url,
  protected: base64url,
  header: z.looseObject({
    x5c: z.array(z.string()).min(1).max(maxChainLength),
    [notary.signingAgent]: z.string().optional(),
    [notary.timestamp]: z
      .string()
      .regex(/^[A-Za-z0-9+/]+={0,2}$/)
      .optional(),
  }),
  signature: base64url,
});

/** RFC 3339 in whole seconds, as Go's time.Time reads it: a day that the calendar has, an hour below 24, no leap second. */
const rfc3339Seconds = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/)
  .refine((text) => isCalendarDay(text.slice(0, 10)))
  .transform((text) => new Date(text))
  .refine((date) => !Number.isNaN(date.getTime()));

/** JavaScript reads 30 February as 2 March. */
function isCalendarDay(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

const protectedSchema = z.looseObject({
  alg: z.string(),
  crit: z.array(z.string()).min(1),
  cty: z.literal(notary.payloadType),
  [notary.scheme]: z.literal(notary.x509Scheme),
  [notary.signingTime]: rfc3339Seconds,
  [notary.expiry]: rfc3339Seconds.optional(),
  /** Of another signing scheme. */
  [notary.authenticSigningTime]: z.undefined().optional(),
  /** It asks for a plugin, critical or not; there are none here. */
  [notary.verificationPlugin]: z.undefined().optional(),
});

const payloadSchema = z.strictObject({
  targetArtifact: z.strictObject({
    mediaType: z.string(),
    digest: z.string(),
    size: z.number(),
    annotations: z.record(z.string(), z.string()).nullish(),
  }),
});

/**
 * Notary Project signature-envelope-jws.md, scheme notary.x509 only.
 * @throws CONTENT_INVALID for anything that is not exactly such an envelope, unknown critical headers included
 */
export function parseNotationEnvelope(bytes: Uint8Array, where: string): NotationEnvelope {
  const envelope = read(envelopeSchema, bytes, where, maxEnvelopeBytes);
  const headerBytes = fromBase64Url(envelope.protected, `${where} protected header`);
  const header = read(protectedSchema, headerBytes, `${where} protected header`);
  checkCritical(header.crit, header, `${where} protected header`);
  refuseCaseFolded(envelope.header, ['x5c', notary.signingAgent, notary.timestamp], `${where} header`);
  const payload = read(
    payloadSchema,
    fromBase64Url(envelope.payload, `${where} payload`),
    `${where} payload`,
  );
  return {
    algorithm: header.alg,
    signingTime: header[notary.signingTime],
    expiry: header[notary.expiry],
    chain: envelope.header.x5c.map((text) => fromBase64(text, `${where} x5c`)),
    target: parseDescriptor(payload.targetArtifact, `${where} payload targetArtifact`),
    signedBytes: Buffer.from(`${envelope.protected}.${envelope.payload}`),
    signature: fromBase64Url(envelope.signature, `${where} signature`),
  };
}

/** RFC 7515 §4.1.11: every critical header is understood, present, and named once; the scheme always is one. */
function checkCritical(
  critical: readonly string[],
  header: Readonly<Record<string, unknown>>,
  where: string,
): void {
  // Go reads "ALG" for "alg".
  refuseCaseFolded(header, Object.keys(protectedSchema.shape), where);
  const unknown = critical.find((name) => name !== notary.scheme && name !== notary.expiry);
  if (unknown !== undefined)
    malformed(where, `critical header ${JSON.stringify(unknown.slice(0, 80))} is not understood`);
  if (new Set(critical).size !== critical.length) malformed(where, 'names a critical header twice');
  for (const name of critical) if (header[name] === undefined) malformed(where, `lacks critical ${name}`);
  if (!critical.includes(notary.scheme)) malformed(where, 'the signing scheme is not critical');
  if (header[notary.expiry] !== undefined && !critical.includes(notary.expiry))
    malformed(where, 'the expiry is not critical');
}

function read<T extends z.ZodType>(
  schema: T,
  bytes: Uint8Array,
  where: string,
  maxBytes = maxEnvelopeBytes,
): z.infer<T> {
  const parsed = schema.safeParse(
    parseStrictJson(bytes, { where, maxBytes, maxDepth: 8, numbers: 'integers' }),
  );
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return malformed(where, `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
}
