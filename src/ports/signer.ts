/**
 * A private key with its certificates. Sync facts, async signature (the key may live in a vault).
 * ES256 only for now: ECDSA P-256 over SHA-256.
 */
export interface Signer {
  /** DER, leaf first, root last. */
  readonly certificates: readonly Uint8Array[];
  /** Signs `data` (hashes it itself): raw r‖s, 64 bytes. */
  sign(data: Uint8Array): Promise<Uint8Array>;
}
