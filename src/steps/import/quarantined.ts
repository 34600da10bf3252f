import { AmlpromoteError } from '../../domain/errors.ts';
import type { Repository } from '../../ports/content.ts';

/**
 * Work on what waits in quarantine. What is damaged there stays damaged, for what is there is not carried again: so the error
 * says how to get rid of it.
 * @throws what `work` throws
 */
export async function inQuarantine<T>(quarantine: Repository, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AmlpromoteError) || error.code !== 'INTEGRITY_MISMATCH') throw error;
    throw new AmlpromoteError(error.code, error.message, {
      nextSteps: [
        'See each rule with `amlpromote verify`, and check that release.json is the one that was released.',
        `If content is damaged: delete it from ${quarantine.name} (nothing there is in use), then import again; it is carried anew.`,
        'If it comes out the same, it is wrong outside already: release again.',
      ],
      cause: error,
    });
  }
}
