import { AmlpromoteError } from '../../domain/errors.ts';
import type { ReleaseDocument } from '../../domain/release.ts';
import { requireReceiptSigner } from '../../evidence/record-receipt.ts';
import type { ReceiptPorts } from '../../evidence/record-receipt.ts';
import type { Trust } from '../../evidence/trust.ts';
import type { Repository } from '../../ports/content.ts';
import { checkRollback } from '../verify/rollback.ts';

/**
 * What can be known to be refused before gigabytes cross: a receipt key that nobody would believe, and a counter that goes back.
 * `release.json` is no proof of its counter, but one that says otherwise than the signed index is refused anyway.
 * @throws KEY_MISSING, ROLLBACK, INCONCLUSIVE when the receipts cannot be read
 */
export async function preflight(
  document: ReleaseDocument,
  final: Repository,
  trust: Trust,
  ports: Pick<ReceiptPorts, 'signer' | 'clock'>,
): Promise<void> {
  await requireReceiptSigner({ signer: ports.signer, keys: trust.receipts, clock: ports.clock });
  const { reasons = [] } = await checkRollback(final, document, trust);
  const against = reasons.find(({ verdict }) => verdict === 'refused');
  if (!against) return;
  throw new AmlpromoteError('ROLLBACK', `${against.subject} is refused: ${against.detail}`, {
    nextSteps: [
      'Release again outside: the next counter is higher.',
      'To go back on purpose, have the owner of the policy set trust.allowRollback for that time.',
    ],
  });
}
