import { acrHandlers } from './acr/index.ts';
import type { Plane } from './acr/plane.ts';
import type { Operations } from './arm/operations.ts';
import { amlHandlers } from './aml/handlers.ts';
import { directoryHandlers } from './arm/directory.ts';
import { registryArmHandlers } from './arm/registries.ts';
import { blobHandlers } from './blob/handlers.ts';
import type { SandboxContext } from './context.ts';
import { historyHandlers } from './history/handlers.ts';
import type { Handler } from './http.ts';
import { entraHandlers } from './identity/entra.ts';

/** Every service of the sandbox. */
export const allHandlers = (
  context: SandboxContext,
  planes: readonly Plane[],
  operations: Operations,
): Handler[] => [
  ...entraHandlers(context),
  ...planes.flatMap(acrHandlers),
  ...registryArmHandlers(context, planes, operations),
  ...directoryHandlers(context, planes),
  ...amlHandlers(context),
  ...blobHandlers(context),
  ...historyHandlers(context),
];
