import type { SandboxContext } from '../context.ts';
import type { Handler } from '../http.ts';
import { accessHandlers } from './access-routes.ts';
import { assetHandlers } from './asset-routes.ts';
import { environmentHandlers } from './environment-routes.ts';
import { jobHandlers } from './job-routes.ts';
import { removalHandlers } from './removal-routes.ts';
import { amlState } from './state.ts';
import { workspaceHandlers } from './workspace-routes.ts';

/** ARM routes of Azure Machine Learning: `Microsoft.MachineLearningServices/workspaces/ml-risk` and what is in it. */
export function amlHandlers(context: SandboxContext): Handler[] {
  const state = amlState(context);
  return [
    ...workspaceHandlers(context),
    ...environmentHandlers(context, state.environments),
    ...jobHandlers(context, state),
    ...accessHandlers(context, state),
    ...assetHandlers(context, 'data', state.assets.data),
    ...assetHandlers(context, 'models', state.assets.models),
    ...assetHandlers(context, 'codes', state.assets.codes),
    ...removalHandlers(context, state),
  ];
}
