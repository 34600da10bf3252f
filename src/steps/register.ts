import { AmlpromoteError } from '../domain/errors.ts';
import type { StepContext } from '../ports/step-context.ts';
import type { EnvironmentRequest, Environments, EnvironmentVersion } from '../ports/workspace.ts';
import { environmentOf } from './register/environment.ts';
import { lintUses } from './register/lint.ts';
import {
  differingWords,
  isBeingMade,
  notMadeYet,
  requireSameEnvironment,
} from './register/same-environment.ts';
import { step } from './step.ts';
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

export interface RegisterPorts extends StepContext {
  readonly environments: Environments;
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
 * Registers the image as an environment version, by digest, and believes only what the service then shows, all of it. A version
 * that exists and is the same in everything that decides is done; any other is refused, never returned as if it were ours
 * (azure.md, "Conflict").
 * @throws VERSION_CONFLICT (10), NOT_FOUND for the workspace, FORBIDDEN, SERVICE_FAILED and what the service cannot do (20)
 */
export async function register(input: RegisterInput, ports: RegisterPorts): Promise<RegisterReport> {
  const request = environmentOf(input.verified);
  return await step(
    ports,
    'register',
    `${request.name}:${request.version} in ${input.workspace.name}`,
    async () => await createOrFind(request, input, ports),
    ({ already, environment }) => ({ already, detail: environment.id }),
  );
}

async function createOrFind(
  request: EnvironmentRequest,
  { verified, workspace }: RegisterInput,
  ports: RegisterPorts,
): Promise<RegisterReport> {
  const before = await ports.environments.read(request.name, request.version);
  const there = before
    ? { environment: await settled(request, ports, before), already: true }
    : await create(request, ports);
  const { already } = there;
  const environment = requireSameEnvironment(there.environment, request, workspace.name);

  const notes = [
    ...lintUses(verified.carried),
    ...differingWords(environment, request),
    ...(environment.archived
      ? ['the environment version is archived: it can still be used, but is not listed']
      : []),
  ];
  for (const message of notes) ports.progress({ type: 'note', step: 'register', message });
  return {
    environment: { id: environment.id, name: request.name, version: request.version },
    image: environment.image ?? request.image,
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
    // Somebody was faster: if it is the same, both are done (threat 38).
    const there = await ports.environments.read(request.name, request.version);
    if (!there) throw error;
    return { environment: await settled(request, ports, there), already: true };
  }
  ports.progress({
    type: 'effect',
    step: 'register',
    effect: 'registered',
    subject: `${request.name}:${request.version}`,
  });
  return { environment: await settled(request, ports), already: false };
}

/** The service may take a moment to show what it has just taken, and to finish it. */
async function settled(
  request: EnvironmentRequest,
  ports: RegisterPorts,
  seen?: EnvironmentVersion,
): Promise<EnvironmentVersion> {
  let there = seen;
  for (const pause of [500, 2000, 5000, undefined]) {
    there ??= await ports.environments.read(request.name, request.version);
    if (there && !isBeingMade(there)) return there;
    if (pause === undefined) break;
    await ports.clock.sleep(pause, ports.signal);
    there = undefined;
  }
  if (there) throw notMadeYet(request);
  throw new AmlpromoteError(
    'SERVICE_FAILED',
    `environment ${request.name}:${request.version} was registered but cannot be read back`,
    { nextSteps: ['Run again: a registered version is found and checked.'] },
  );
}
