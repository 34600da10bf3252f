import { AmlpromoteError } from '../domain/errors.ts';
import type { Zones } from '../manifest/zones.ts';
import { admittedWorkspaces } from './zones.ts';

export interface WorkspaceChoice {
  /** Name in the zones manifest; needed when several workspaces are admitted. */
  readonly workspace?: string | undefined;
  /** Purpose or name of a compute; by default `cpu`, or the only one. */
  readonly compute?: string | undefined;
}

/** @throws USAGE for a name that the zones manifest does not have */
export function requireKnownWorkspace(zones: Zones, name: string | undefined): void {
  const { workspaces } = zones.zones.sensitive;
  if (name === undefined || Object.hasOwn(workspaces, name)) return;
  const known = Object.keys(workspaces).join(', ') || 'there is none yet';
  throw new AmlpromoteError('USAGE', `${zones.file} has no workspace ${name}`, {
    nextSteps: [`Name one that it has under zones.sensitive.workspaces: ${known}.`],
  });
}

/** @throws NOT_ADMITTED, USAGE */
export function chooseWorkspace(
  zones: Zones,
  repository: string,
  choice: WorkspaceChoice,
): {
  readonly name: string;
  readonly id: string;
  readonly compute: string | undefined;
  /** The computes that the manifest names, for messages. */
  readonly known: string;
} {
  const admitted = admittedWorkspaces(zones, repository);
  const { workspaces } = zones.zones.sensitive;
  requireKnownWorkspace(zones, choice.workspace);
  const name = choice.workspace ?? admitted[0];
  if (name === undefined || !admitted.includes(name)) {
    throw new AmlpromoteError(
      'NOT_ADMITTED',
      `${zones.file} admits ${repository} to ${admitted.length === 0 ? 'no workspace' : `${admitted.join(', ')} only`}`,
      {
        nextSteps: ['Ask the platform team to name the workspace under zones.sensitive.admits.'],
      },
    );
  }
  if (choice.workspace === undefined && admitted.length > 1) {
    throw new AmlpromoteError(
      'USAGE',
      `${repository} is admitted to several workspaces: ${admitted.join(', ')}`,
      {
        nextSteps: ['Choose one with --workspace.'],
      },
    );
  }
  const workspace = workspaces[name];
  if (!workspace) throw new TypeError(`zones manifest admits the unknown workspace ${name}`);
  const known = Object.entries(workspace.compute).map(([purpose, compute]) => `${purpose} (${compute})`);
  return {
    name,
    id: workspace.id,
    compute: chooseCompute(workspace.compute, choice.compute),
    known: known.join(', ') || 'none',
  };
}

function chooseCompute(
  computes: Readonly<Record<string, string>>,
  wanted: string | undefined,
): string | undefined {
  if (wanted !== undefined) return Object.hasOwn(computes, wanted) ? computes[wanted] : wanted;
  const [only, ...more] = Object.values(computes);
  return computes['cpu'] ?? (more.length === 0 ? only : undefined);
}
