/** What a record is: a seal for one purpose is none for another. */
export type SealPurpose = 'layer-record' | 'advisory-index' | 'build-facts' | 'scan-result' | 'file-digests';

/**
 * Tells what this machine wrote into its caches and its store from what others wrote there: whoever can edit a cached path
 * of a CI system can otherwise write what is signed later. Only this machine's key makes a seal, so it is no signature.
 */
export interface Seal {
  /** Text for a record that consists of these parts, in this order. */
  seal(purpose: SealPurpose, parts: readonly string[]): string;
  /** False for any other text, and for none. */
  isSealed(purpose: SealPurpose, parts: readonly string[], seal: string | undefined): boolean;
}
