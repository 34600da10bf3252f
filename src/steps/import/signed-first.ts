import { AmlpromoteError } from '../../domain/errors.ts';
import { formatReference } from '../../domain/reference.ts';
import type { ReleaseDocument } from '../../domain/release.ts';
import type { Trust } from '../../evidence/trust.ts';
import type { VerifiableContent } from '../verify/content.ts';
import { readChecked } from '../verify/content.ts';
import { judge } from '../verify/report.ts';
import { requireAllowed } from '../verify/require.ts';
import { findSignatures } from '../verify/signatures.ts';
import { indexOf } from './carry.ts';
import type { Carrier } from './carry.ts';

export interface SignedFirst {
  readonly document: ReleaseDocument;
  /** The quarantine repository, and the host that it is on. */
  readonly quarantine: VerifiableContent & { readonly name: string };
  readonly host: string;
  readonly trust: Trust;
  readonly now: Date;
}

/**
 * Signature first: what `release.json` calls signatures is carried and judged, under this zone's policy, over the index that it
 * names. A Notation signature covers media type, digest and size, so the index itself is not needed; nothing else is asked for
 * before (threat 48). A registry that takes no signature before what it signs gets the index first, and that is all it gets.
 * @throws SIGNATURE_INVALID (10), INCONCLUSIVE (20), LISTED_CONTENT_MISSING when a signature that is needed is not at the source;
 * and what the route throws
 */
export async function requireSigned(
  carrier: Carrier,
  { document, quarantine, host, trust, now }: SignedFirst,
): Promise<void> {
  let carried = await carrier.signatures();
  if (carried.needsSubject) {
    await carrier.index();
    carried = await carrier.signatures();
    if (carried.needsSubject) throw refusesSignature(quarantine.name, document);
  }
  const { result } = await judge('index-signature', document.index.digest, () =>
    findSignatures({
      content: readChecked(quarantine),
      target: indexOf(document),
      named: document.signatures,
      trust,
      now,
    }),
  );
  if (result.verdict === 'allowed') return;
  // What did not come explains more than that it is not there.
  const [failure] = carried.failures;
  if (failure && result.verdict === 'refused') throw failure;
  requireAllowed({
    verdict: result.verdict,
    subject: formatReference({ host, repository: quarantine.name, digest: document.index.digest }),
    rules: [result],
    policyDigest: trust.policyDigest,
    at: now.toISOString(),
  });
}

const refusesSignature = (quarantine: string, { index }: ReleaseDocument): AmlpromoteError =>
  new AmlpromoteError(
    'OPERATION_FAILED',
    `the registry takes no signature of ${index.digest} into ${quarantine}, although what it signs is there`,
    {
      nextSteps: [
        'Run again; if it comes out the same, look at the health of the registry and report its answer.',
      ],
    },
  );
