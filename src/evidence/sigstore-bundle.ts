import * as z from 'zod';
import { mediaTypes } from '../domain/media-types.ts';
import { parseStrictJson } from '../json/strict.ts';
import { fromBase64 } from './base64.ts';
import { malformed } from './check.ts';

/** An SBOM of a large image has some megabytes; base64 adds a third. */
export const maxBundleBytes = 64 * 1024 * 1024;

/** What a bundle with a bare public key holds: no certificate, no log entry, no timestamp. */
export interface SigstoreBundle {
  /** Says which key the signer meant; proves nothing. */
  readonly hint: string;
  readonly payloadType: string;
  readonly payload: Uint8Array;
  /** DER. */
  readonly signature: Uint8Array;
}

/** Sigstore bundle v0.3 in protobuf's JSON (sigstore_bundle.proto): a DSSE envelope with one signature. */
export function encodeBundle(bundle: SigstoreBundle): Uint8Array {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return Buffer.from(
    JSON.stringify({
      mediaType: mediaTypes.sigstoreBundle,
      verificationMaterial: { publicKey: { hint: bundle.hint } },
      dsseEnvelope: {
        payload: base64(bundle.payload),
        payloadType: bundle.payloadType,
        signatures: [{ sig: base64(bundle.signature) }],
      },
    }),
  );
}

const none = z.array(z.unknown()).max(0).nullish();

const bundleSchema = z.strictObject({
  mediaType: z.literal(mediaTypes.sigstoreBundle),
  verificationMaterial: z.strictObject({
    publicKey: z.strictObject({ hint: z.string().max(1024).optional() }),
    /** A transparency log cannot be asked in a sealed zone, so an entry could not be verified: refused, not skipped (threat 14). */
    tlogEntries: none,
    timestampVerificationData: z.strictObject({ rfc3161Timestamps: none }).nullish(),
  }),
  dsseEnvelope: z.strictObject({
    payload: z.string(),
    payloadType: z.string().max(256),
    signatures: z
      .array(
        /** A key is believed because the policy names it; a name for it here is read differently by different verifiers. */
        z.strictObject({ sig: z.string().max(4096), keyid: z.literal('').optional() }),
      )
      .length(1),
  }),
});

/** @throws CONTENT_INVALID for any other bundle: with a certificate, with log entries, with several signatures */
export function parseBundle(bytes: Uint8Array, where: string): SigstoreBundle {
  const parsed = bundleSchema.safeParse(
    parseStrictJson(bytes, { where, maxBytes: maxBundleBytes, maxDepth: 8 }),
  );
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return malformed(where, `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
  }
  const { verificationMaterial, dsseEnvelope } = parsed.data;
  return {
    hint: verificationMaterial.publicKey.hint ?? '',
    payloadType: dsseEnvelope.payloadType,
    payload: fromBase64(dsseEnvelope.payload, `${where} payload`),
    signature: fromBase64(dsseEnvelope.signatures[0]?.sig ?? '', `${where} signature`),
  };
}
