/**
 * Pre-authentication encoding of DSSE v1 (protocol.md): binds type and payload by their lengths, so that one cannot be
 * read as part of the other.
 */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = Buffer.from(payloadType, 'utf8');
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${String(type.byteLength)} `),
    type,
    Buffer.from(` ${String(payload.byteLength)} `),
    payload,
  ]);
}
