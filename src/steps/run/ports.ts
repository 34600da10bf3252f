import type { ContentReader } from '../../ports/content.ts';
import type { RunRecords } from '../../ports/run-records.ts';
import type { StepContext } from '../../ports/step-context.ts';
import type { Datastore, Environments, Jobs } from '../../ports/workspace.ts';

export interface RunPorts extends StepContext {
  readonly environments: Pick<Environments, 'read'>;
  readonly jobs: Omit<Jobs, 'list'>;
  /** What this machine knows of its own jobs: nothing else tells them from planted ones. */
  readonly records: RunRecords;
  readonly datastore: Datastore;
  /** The repository that the release was verified in: smoke inputs are part of the release. */
  readonly content: ContentReader;
}
