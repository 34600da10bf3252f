import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { annotations, mediaTypes, predicateTypes } from '../../domain/media-types.ts';
import type { Trust } from '../../evidence/trust.ts';
import type { VerifiableContent } from './content.ts';
import { listCandidates } from './candidates.ts';
import { judgeEvidence } from './evidence.ts';
import type { EvidenceSource } from './evidence.ts';
import { judge } from './report.ts';
import type { RuleResult } from './report.ts';
import { findSignatures } from './signatures.ts';
import type { VouchingKeys } from './signatures.ts';

export const noKeys: VouchingKeys = { keys: [], open: [] };

export interface ImageQuestion {
  readonly content: VerifiableContent;
  /** The same, for what anybody may have attached; default `content`. */
  readonly attached?: VerifiableContent;
  readonly image: Descriptor;
  /** Signatures that a release lists. */
  readonly named: readonly Digest[];
  /** Keys that vouch already: they signed the release index. */
  readonly vouching: VouchingKeys;
  readonly candidates: EvidenceSource['candidates'];
}

/** Rule `image-signature` and, with the keys that it found, those about attestations. */
export async function judgeImage(
  question: ImageQuestion,
  trust: Trust,
  now: Date,
): Promise<readonly RuleResult[]> {
  const { content, attached = content, image, named, candidates } = question;
  const signed = await judge('image-signature', image.digest, () =>
    findSignatures({ content: attached, target: image, named, trust, now }),
  );
  const own = signed.value ?? noKeys;
  const vouching = {
    keys: [...own.keys, ...question.vouching.keys],
    open: [...own.open, ...question.vouching.open],
  };
  return [
    signed.result,
    ...(await judgeEvidence({ content, image, vouching, candidates }, trust.policy, now)),
  ];
}

/** Without a release, evidence is whatever is attached to the image and its platforms. */
export const attachedTo =
  (content: VerifiableContent): EvidenceSource['candidates'] =>
  (kind, subject) => {
    const type = predicateTypes[kind];
    // An annotation that names another kind is a label to go by; one that is absent says nothing.
    const isWanted = (one: Descriptor): boolean =>
      (one.annotations?.[annotations.predicateType] ?? type) === type;
    return listCandidates(content, subject.digest, mediaTypes.sigstoreBundle, isWanted);
  };
