import type { Plane } from '../acr/plane.ts';
import type { Principal } from '../context.ts';
import type { SandboxRequest, SandboxResponse } from '../http.ts';
import { azureError } from '../http.ts';
import type { IdentityName, ZoneName } from '../topology.ts';
import type { Operations } from './operations.ts';
import { requireApiVersion } from './scope.ts';

/** An accepted importImage request, as the operation keeps it. */
export interface ImportInput {
  readonly identity: IdentityName;
  readonly target: ZoneName;
  readonly source: { readonly resourceId?: string; readonly registryUri?: string };
  /** `repository:tag` or `repository@sha256:…`. */
  readonly sourceImage: string;
  readonly targetTags: readonly string[];
  readonly untaggedTargetRepositories: readonly string[];
  readonly force: boolean;
  /** What faults.json said when the request came. */
  readonly fault: {
    readonly failure?: { readonly code: string; readonly message: string };
    readonly dropChildren: boolean;
    readonly dropDigests: readonly string[];
  };
}

interface ImportRequest {
  readonly request: SandboxRequest;
  readonly principal: Principal;
  readonly target: Plane;
  readonly operations: Operations;
}

/** Checks the form of the request only; everything else is found out by the operation, as on Azure. */
export async function startImport({
  request,
  principal,
  target,
  operations,
}: ImportRequest): Promise<SandboxResponse> {
  const apiVersion = requireApiVersion(request);
  const input = parse(await request.json());
  const { faults } = target.context;
  const failure = faults.take(request, 'fail-operation');
  return operations.start({
    subscription: target.names.subscription,
    apiVersion,
    retryAfter: target.settings().operationRetryAfter,
    endless: faults.take(request, 'endless-operation') !== undefined,
    input: {
      ...input,
      identity: principal.name,
      target: target.names.zone,
      fault: {
        ...(failure && {
          failure: { code: failure.code ?? 'InvalidParameters', message: failure.message },
        }),
        dropChildren: faults.take(request, 'drop-children') !== undefined,
        dropDigests: faults.takeAll(request, 'drop-digest').map(({ digest }) => digest),
      },
    } satisfies ImportInput,
  });
}

function parse(body: unknown): Omit<ImportInput, 'identity' | 'target' | 'fault'> {
  const { source, targetTags, untaggedTargetRepositories, mode = 'NoForce' } = object(body, 'the body');
  const { resourceId, registryUri, sourceImage } = object(source, 'source');
  if (typeof sourceImage !== 'string' || sourceImage === '') throw invalid('source.sourceImage is required.');
  if ((typeof resourceId === 'string') === (typeof registryUri === 'string'))
    throw invalid('Exactly one of source.resourceId and source.registryUri is required.');
  if (mode !== 'Force' && mode !== 'NoForce') throw invalid("mode must be 'NoForce' or 'Force'.");
  return {
    source: typeof resourceId === 'string' ? { resourceId } : { registryUri: String(registryUri) },
    sourceImage,
    targetTags: strings(targetTags, 'targetTags'),
    untaggedTargetRepositories: strings(untaggedTargetRepositories, 'untaggedTargetRepositories'),
    force: mode === 'Force',
  };
}

function object(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${where} must be an object.`);
  return value as Record<string, unknown>;
}

function strings(value: unknown, where: string): string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw invalid(`${where} must be a list of strings.`);
}

const invalid = (message: string): Error => azureError(400, 'InvalidParameters', message);
