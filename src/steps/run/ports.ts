import type { Progress } from '../../domain/events.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ContentReader } from '../../ports/content.ts';
import type { Datastore, Environments, Jobs } from '../../ports/workspace.ts';

export interface RunPorts {
  readonly environments: Pick<Environments, 'read'>;
  readonly jobs: Jobs;
  readonly datastore: Datastore;
  /** The repository that the release was verified in: smoke inputs are part of the release. */
  readonly content: ContentReader;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}
