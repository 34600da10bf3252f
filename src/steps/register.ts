import { AmlpromoteError } from '../domain/errors.ts';
import type { Progress } from '../domain/events.ts';
import type { Clock } from '../ports/clock.ts';
import type { EnvironmentRequest, Environments, EnvironmentVersion } from '../ports/workspace.ts';
import { environmentOf } from './register/environment.ts';
import { lintUses } from './register/lint.ts';
import type { VerifiedRelease } from './verify.ts';

export interface RegisterInput {
  /** Only `verify` makes one, so nothing unverified can be registered. */
  readonly verified: VerifiedRelease;
  /** One that the zones manifest admits the repository to. */
  readonly workspace: {
    /** As the zones manifest calls it. */
    readonly name: string;
    /** ARM id. */
    readonly id: string;
  };
}

export interface RegisterPorts {
  readonly environments: Environments;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

export interface RegisterReport {
  readonly environment: { readonly id: string; readonly name: string; readonly version: string };
  /** `host/repository@sha256:…`, as read back from the service. */
  readonly image: string;
  /** The version was there with the same image. */
  readonly already: boolean;
  readonly workspace: { readonly name: string; readonly id: string };
  /** Advice about `environment.uses`, and what a reader should know; never a verdict. */
  readonly notes: readonly string[];
}

/**
 * Registers the image as an environment version, by digest, and believes only what the service then shows. A version that exists
 * with the same image is done; with another it is refused, never returned as if it were ours (azure.md, "Conflict").
 * @throws VERSION_CONFLICT (10), NOT_FOUND for the workspace, FORBIDDEN, SERVICE_FAILED and what the service cannot do (20)
 */
export async function register(input: RegisterInput, ports: RegisterPorts): Promise<RegisterReport> {
  const { verified, workspace } = input;
  const { progress } = ports;
  const request = environmentOf(verified);
  const subject = `${request.name}:${request.version} in ${workspace.name}`;
  progress({ type: 'started', step: 'register', subject });

  const before = await ports.environments.read(request.name, request.version);
  const { environment, already } = before
    ? { environment: sameImage(before, request), already: true }
    : await create(request, ports);

  const notes = [
    ...lintUses(verified.carried),
    ...(environment.archived
      ? ['the environment version is archived: it can still be used, but is not listed']
      : []),
  ];
  for (const message of notes) progress({ type: 'note', step: 'register', message });
  progress({ type: 'finished', step: 'register', subject, already, detail: environment.id });
  return {
    environment: { id: environment.id, name: request.name, version: request.version },
    image: request.image,
    already,
    workspace: { name: workspace.name, id: workspace.id },
    notes,
  };
}

async function create(
  request: EnvironmentRequest,
  ports: RegisterPorts,
): Promise<{ readonly environment: EnvironmentVersion; readonly already: boolean }> {
  try {
    await ports.environments.create(request);
  } catch (error) {
    if (!(error instanceof AmlpromoteError) || error.code !== 'VERSION_CONFLICT') throw error;
    // Somebody was faster: if it was the same image, both are done (threat 38).
    const there = await ports.environments.read(request.name, request.version);
    if (!there) throw error;
    return { environment: sameImage(there, request), already: true };
  }
  ports.progress({
    type: 'effect',
    step: 'register',
    effect: 'registered',
    subject: `${request.name}:${request.version}`,
  });
  return { environment: sameImage(await readBack(request, ports), request), already: false };
}

/** The service may take a moment to show what it has just taken. */
async function readBack(request: EnvironmentRequest, ports: RegisterPorts): Promise<EnvironmentVersion> {
  for (const pause of [500, 2000, 5000, undefined]) {
    const there = await ports.environments.read(request.name, request.version);
    if (there) return there;
    if (pause !== undefined) await ports.clock.sleep(pause, ports.signal);
  }
  throw new AmlpromoteError(
    'SERVICE_FAILED',
    `environment ${request.name}:${request.version} was registered but cannot be read back`,
    { nextSteps: ['Run again: a registered version is found and checked.'] },
  );
}

function sameImage(there: EnvironmentVersion, request: EnvironmentRequest): EnvironmentVersion {
  if (there.image === request.image) return there;
  throw new AmlpromoteError(
    'VERSION_CONFLICT',
    `environment ${request.name}:${request.version} is registered with ${there.image ?? 'a build instead of an image'}; this release has ${request.image}`,
    {
      nextSteps: [
        'Environment versions cannot be changed: raise `version` in the image manifest, then build, release and import again.',
        'If nobody here registered that version, find out who did (activity log of the workspace).',
      ],
    },
  );
}
