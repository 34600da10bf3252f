import { join } from 'node:path';
import { matchesGlob } from '../../src/domain/names.ts';
import { readJson, writeJson } from '../store/files.ts';
import type { IdentityName } from '../topology.ts';
import { registries, resourceGroupId, storage, workspace } from '../topology.ts';

/** One line of `state/roles.json`. Take a line away and the identity fails as it would on Azure. */
export interface RoleAssignment {
  readonly identity: IdentityName;
  readonly role: keyof typeof roleDefinitions;
  /** ARM id; the assignment holds for everything below it. */
  readonly scope: string;
  /** Registry roles only: repositories (globs; `*` stops at `/`) that the assignment does not reach, as an ABAC condition would say. */
  readonly exceptRepositories?: readonly string[];
  /** Registry roles only: the only repositories that it reaches. */
  readonly onlyRepositories?: readonly string[];
}

/** Actions by built-in role name; `*` stands for any run of characters. */
export const roleDefinitions = {
  Reader: ['*/read'],
  AcrPull: ['Microsoft.ContainerRegistry/registries/pull/read'],
  AcrPush: [
    'Microsoft.ContainerRegistry/registries/pull/read',
    'Microsoft.ContainerRegistry/registries/push/write',
  ],
  AcrDelete: ['Microsoft.ContainerRegistry/registries/artifacts/delete'],
  'Container Registry Data Importer and Data Reader': [
    'Microsoft.ContainerRegistry/registries/read',
    'Microsoft.ContainerRegistry/registries/importImage/action',
    'Microsoft.ContainerRegistry/registries/pull/read',
    'Microsoft.ContainerRegistry/locations/operationResults/read',
  ],
  'AzureML Data Scientist': [
    'Microsoft.MachineLearningServices/workspaces/*/read',
    'Microsoft.MachineLearningServices/workspaces/*/action',
    'Microsoft.MachineLearningServices/workspaces/*/delete',
    'Microsoft.MachineLearningServices/workspaces/*/write',
    'Microsoft.MachineLearningServices/workspaces/read',
  ],
  'Storage Blob Data Contributor': [
    'Microsoft.Storage/storageAccounts/blobServices/containers/*',
    'Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action',
  ],
} as const satisfies Record<string, readonly string[]>;

/** As a platform team would set it up: outside holds nothing inside; inside may only read and import from outside. */
export const defaultAssignments: readonly RoleAssignment[] = [
  { identity: 'outside-promoter', role: 'AcrPush', scope: registries.nonsensitive.id },
  { identity: 'outside-promoter', role: 'Reader', scope: registries.nonsensitive.id },
  {
    identity: 'inside-promoter',
    role: 'Container Registry Data Importer and Data Reader',
    scope: registries.nonsensitive.id,
  },
  {
    identity: 'inside-promoter',
    role: 'Container Registry Data Importer and Data Reader',
    scope: registries.sensitive.id,
  },
  { identity: 'inside-promoter', role: 'AcrPush', scope: registries.sensitive.id },
  {
    identity: 'inside-promoter',
    role: 'AcrDelete',
    scope: registries.sensitive.id,
    onlyRepositories: ['quarantine/**'],
  },
  { identity: 'inside-promoter', role: 'Reader', scope: resourceGroupId('sensitive') },
  { identity: 'inside-promoter', role: 'AzureML Data Scientist', scope: workspace.id },
  { identity: 'inside-promoter', role: 'Storage Blob Data Contributor', scope: storage.id },
  {
    identity: 'compute',
    role: 'AcrPull',
    scope: registries.sensitive.id,
    exceptRepositories: ['quarantine/**'],
  },
  { identity: 'compute', role: 'Storage Blob Data Contributor', scope: storage.id },
];

export interface Roles {
  /** `repository` matters for registry actions only. */
  allows(identity: IdentityName, scope: string, action: string, repository?: string): boolean;
  list(): readonly RoleAssignment[];
  replace(assignments: readonly RoleAssignment[]): void;
}

/** Reads `state/roles.json` at every question, so that an edit takes effect at once; made with the defaults when missing. */
export function openRoles(stateDirectory: string): Roles {
  const path = join(stateDirectory, 'roles.json');
  if (readJson(path) === undefined) writeJson(path, defaultAssignments);
  const list = (): readonly RoleAssignment[] => (readJson(path) ?? []) as readonly RoleAssignment[];
  return {
    list,
    replace: (assignments) => {
      writeJson(path, assignments);
    },
    allows: (identity, scope, action, repository) =>
      list().some(
        (assignment) =>
          assignment.identity === identity &&
          covers(assignment.scope, scope) &&
          roleDefinitions[assignment.role].some((pattern) => matchesAction(pattern, action)) &&
          !(assignment.exceptRepositories ?? []).some(
            (glob) => repository !== undefined && matchesRepository(glob, repository),
          ) &&
          (assignment.onlyRepositories?.some(
            (glob) => repository !== undefined && matchesRepository(glob, repository),
          ) ??
            true),
      ),
  };
}

/** ARM ids are compared without regard to case, and only at segment borders. */
function covers(assigned: string, scope: string): boolean {
  const outer = assigned.toLowerCase();
  const inner = scope.toLowerCase();
  return inner === outer || inner.startsWith(`${outer}/`);
}

const matchesAction = (pattern: string, action: string): boolean =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
    'i',
  ).test(action);

/** `prefix/**` reaches everything below the prefix. */
const matchesRepository = (glob: string, repository: string): boolean =>
  glob.endsWith('/**') ? repository.startsWith(glob.slice(0, -2)) : matchesGlob(glob, repository);
