import { AmlpromoteError } from '../../domain/errors.ts';
import type { EnvironmentRequest, EnvironmentVersion } from '../../ports/workspace.ts';
import type { Difference, Rules } from '../raw/compare.ts';
import {
  anyObject,
  anyText,
  differences,
  has,
  is,
  mayBe,
  nothing,
  oneWord,
  tellDifferences,
} from '../raw/compare.ts';

/**
 * The one rule by which `register` and `run` take an environment version for that of a release. Everything of the raw body is
 * in this table or a difference (Azure/azure-rest-api-specs, MachineLearningServices 2024-10-01, EnvironmentVersionProperties;
 * bodies that the service has sent, as quoted in public threads).
 */
const rulesFor = (request: EnvironmentRequest): Rules => ({
  id: anyText,
  name: anyText,
  type: anyText,
  systemData: anyObject,
  properties: has({
    image: is(request.image, (value) => typeof value === 'string' && withoutTag(value) === request.image),
    osType: mayBe('"Linux"', oneWord('Linux')),
    // The workspace would build another image from these, on top of ours or instead of it.
    build: nothing,
    condaFile: mayBe('nothing', (value) => value === ''),
    autoRebuild: mayBe('"Disabled"', oneWord('Disabled')),
    // Ours are never made for an endpoint, and these say what a container is asked for there.
    inferenceConfig: nothing,
    // Microsoft's own, or one that belongs to a single job: neither is what `register` makes.
    environmentType: mayBe('"UserCreated"', oneWord('UserCreated')),
    isAnonymous: mayBe('false', (value) => value === false),
    provisioningState: mayBe('"Succeeded"', oneWord('Succeeded')),
    // Archived versions can still be used, and both may be changed by people at any time (azure.md, "AML").
    isArchived: mayBe('true or false', (value) => typeof value === 'boolean'),
    stage: anyText,
    // People's words.
    description: anyText,
    tags: anyObject,
    properties: anyObject,
  }),
});

/** `repository:tag@digest` names what `repository@digest` names: others register that form. */
const withoutTag = (image: string): string =>
  image.replace(/^([^@]+\/[^/@:]+):[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})$/, '$1$2');

/** How the version differs from the one that the release would be registered as. */
export const environmentDifferences = (
  there: EnvironmentVersion,
  request: EnvironmentRequest,
): readonly Difference[] => differences(there.raw, rulesFor(request));

/** Still being made: not yet a matter of yes or no. */
export function isBeingMade({ raw }: EnvironmentVersion): boolean {
  const { properties } = raw;
  if (typeof properties !== 'object' || properties === null || !('provisioningState' in properties))
    return false;
  return oneWord('Creating', 'Updating')(properties.provisioningState);
}

/** @throws VERSION_CONFLICT, with every member that differs */
export function requireSameEnvironment(
  there: EnvironmentVersion,
  request: EnvironmentRequest,
  workspace: string,
): EnvironmentVersion {
  const found = environmentDifferences(there, request);
  if (found.length === 0) return there;
  throw new AmlpromoteError(
    'VERSION_CONFLICT',
    `environment ${request.name}:${request.version} in ${workspace} is not what this release would register: ${tellDifferences(found)}`,
    {
      nextSteps: [
        'Environment versions cannot be changed: raise `version` in the image manifest, then build, release and import again.',
        'If nobody here registered that version, find out who did (activity log of the workspace).',
      ],
    },
  );
}

/** @throws SERVICE_FAILED */
export function notMadeYet(request: EnvironmentRequest): AmlpromoteError {
  return new AmlpromoteError(
    'SERVICE_FAILED',
    `environment ${request.name}:${request.version} is still being made by the service`,
    { nextSteps: ['Run again in a minute: a registered version is found and checked.'] },
  );
}

/** Which of our words about evidence say otherwise there. They decide nothing, and a reader should know. */
export function differingWords(there: EnvironmentVersion, request: EnvironmentRequest): readonly string[] {
  const other = (kind: 'tags' | 'properties'): readonly string[] =>
    Object.entries(request[kind])
      .filter(([key, value]) => key.startsWith('amlpromote.') && there[kind][key] !== value)
      .map(([key]) => `${kind}.${key}`);
  const keys = [...other('tags'), ...other('properties')];
  if (keys.length === 0) return [];
  return [
    `the version carries other words than this release would give it, which prove nothing: ${keys.join(', ')}`,
  ];
}
