import * as Flags from '@oclif/core/flags';

/** Which of the admitted workspaces; needed when there are several. */
export const workspaceFlag = Flags.string({
  description: 'workspace, by its name in the zones manifest',
  helpValue: 'NAME',
});

export const computeFlag = Flags.string({
  description: 'compute, by its purpose in the zones manifest or by name',
  helpValue: 'NAME',
});
