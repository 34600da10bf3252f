import { AmlpromoteError } from '../../domain/errors.ts';
import { isRecordTag } from '../../domain/names.ts';
import type { ReleaseDocument } from '../../domain/release.ts';
import { requireReceiptSigner } from '../../evidence/record-receipt.ts';
import type { ReceiptPorts } from '../../evidence/record-receipt.ts';
import type { Trust } from '../../evidence/trust.ts';
import type { Clock } from '../../ports/clock.ts';
import { checkRollback } from '../verify/rollback.ts';
import type { AdmittingRepository } from '../verify/rollback.ts';

/**
 * What can be known to be refused before gigabytes cross: a receipt key that nobody would believe, a counter that goes back or is
 * taken, and a repository whose receipts contradict its tags. `release.json` is no proof of its counter, but one that says
 * otherwise than the signed index is refused anyway.
 * @throws KEY_MISSING, ROLLBACK, TAG_CONFLICT, INCONCLUSIVE when the receipts cannot be read or believed
 */
export async function preflight(
  document: ReleaseDocument,
  final: AdmittingRepository,
  trust: Trust,
  ports: Pick<ReceiptPorts, 'signer' | 'clock'>,
): Promise<void> {
  await requireReceiptSigner({ signer: ports.signer, keys: trust.receipts, clock: ports.clock });
  await requireForward(document, final, trust, ports.clock);
}

/**
 * The counter does not go back and is not taken: by what was admitted until now, for other imports run at the same time.
 * @throws ROLLBACK, TAG_CONFLICT, INCONCLUSIVE when the receipts cannot be read or believed
 */
export async function requireForward(
  document: ReleaseDocument,
  final: AdmittingRepository,
  trust: Trust,
  clock: Pick<Clock, 'now'>,
): Promise<void> {
  const { reasons = [] } = await checkRollback(final, document, trust, clock.now());
  const against =
    reasons.find(({ verdict }) => verdict === 'refused') ??
    reasons.find(({ verdict }) => verdict === 'inconclusive');
  if (!against) return;
  const { code, verdict, subject, detail } = against;
  if (verdict === 'inconclusive') {
    throw new AmlpromoteError('INCONCLUSIVE', `${subject}: ${detail}`, {
      nextSteps: [
        'Find out who changed the receipts or the tags of this repository; only import should.',
        'Import the release that was admitted last once more: it lists its receipt again, and nothing else changes.',
      ],
    });
  }
  if (code === 'COUNTER_TAKEN') {
    throw new AmlpromoteError('TAG_CONFLICT', `${subject} is refused: ${detail}`, {
      nextSteps: [
        'Release again outside: other content gets the next counter.',
        'If outside does not know that the counter is taken, give it a higher one: `release` in the image manifest.',
      ],
    });
  }
  throw new AmlpromoteError('ROLLBACK', `${subject} is refused: ${detail}`, {
    nextSteps: [
      'Release again outside: the next counter is higher; if outside does not know of the higher ones, set `release` in the image manifest.',
      'To go back on purpose, have the owner of the policy set trust.allowRollback for that time.',
    ],
  });
}

/**
 * Version 0.1.0 could give a version that is a tag of the tool's own by now. What was admitted then stays; a new one is not let in.
 * @throws TAG_CONFLICT
 */
export function requireAdmissibleVersion({ name, version, repository }: ReleaseDocument): void {
  if (!isRecordTag(version)) return;
  throw new AmlpromoteError(
    'TAG_CONFLICT',
    `${name} ${version} cannot be admitted: ${repository}:${version} is a tag that amlpromote keeps for its own records`,
    { nextSteps: ['Choose another `version` in the image manifest, build and release again.'] },
  );
}
