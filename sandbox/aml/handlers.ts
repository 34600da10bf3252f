import type { SandboxContext } from '../context.ts';
import type { Handler } from '../http.ts';
import { accessHandlers } from './access-routes.ts';
import { assetHandlers } from './asset-routes.ts';
import { environmentHandlers } from './environment-routes.ts';
import { jobHandlers } from './job-routes.ts';
import { removalHandlers } from './removal-routes.ts';
import { workspaceHandlers } from './workspace-routes.ts';

/** ARM routes of Azure Machine Learning: `Microsoft.MachineLearningServices/workspaces/ml-risk` and what is in it. */
export function amlHandlers(context: SandboxContext): Handler[] {
  const { environments, assets } = context.workspace;
  return [
    ...workspaceHandlers(context),
    ...environmentHandlers(context, environments),
    ...jobHandlers(context),
    ...accessHandlers(context),
    ...assetHandlers(context, 'data', assets.data),
    ...assetHandlers(context, 'models', assets.models),
    ...assetHandlers(context, 'codes', assets.codes),
    ...removalHandlers(context),
  ];
}
