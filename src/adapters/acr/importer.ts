import type https from 'node:https';
import type { TokenCredential } from '@azure/identity';
import { parseArmId } from '../../domain/arm-id.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { saysSubjectMissing } from '../../domain/subject-missing.ts';
import { faultOf, interruption } from '../../network/azure-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Importer, ImportRequest } from '../../ports/importer.ts';
import type { ImportSubject } from './import-errors.ts';
import { armHost, importError, isAlreadyThere } from './import-errors.ts';

export interface AcrImporterOptions {
  /** Of the sensitive zone: an importer on the target, a reader on the source. */
  readonly credential: TokenCredential;
  readonly agent: https.Agent;
  readonly targetRegistryId: string;
  readonly sourceRegistryId: string;
  /** Login server of the source, for messages. */
  readonly sourceHost: string;
  readonly clock: Clock;
  /** How long one import may run; default 1800. ACR's imports are known to hang as "Running". */
  readonly deadlineSeconds?: number;
  readonly signal?: AbortSignal;
  /** Of single requests; default 3 retries from 1 s on, doubling. */
  readonly retry?: { readonly maxRetries: number; readonly retryDelayInMs: number };
}

/** Pauses between two looks at a running operation, in milliseconds; the last one repeats. ACR itself advises 10 s. */
const pauses = [500, 1000, 2000, 4000, 8000, 10_000] as const;

/**
 * Server-side import (`POST …/registries/{r}/importImage`, azure.md "ACR import"): not a byte passes this machine. Always by digest
 * and into an untagged target, so nothing at the target is ever overwritten. What was there already is success here; whether it is
 * what it should be, the caller sees by its digest.
 * @throws NETWORK_DENIED, FORBIDDEN, NOT_FOUND, OPERATION_FAILED, TIMEOUT, UNREACHABLE, THROTTLED, SERVICE_FAILED, INTERRUPTED
 */
export function createAcrImporter(options: AcrImporterOptions): Importer {
  const target = parseArmId(options.targetRegistryId, 'sensitive registry.id');
  const source = parseArmId(options.sourceRegistryId, 'nonsensitive registry.id');
  let client: ReturnType<typeof load> | undefined;
  const load = async () => {
    const sdk = await import('@azure/arm-containerregistry');
    return new sdk.ContainerRegistryManagementClient(options.credential, target.subscription, {
      agent: options.agent,
      ...(options.retry ? { retryOptions: options.retry } : {}),
    });
  };
  return {
    route: 'acr-import',
    carry: async (request) => {
      const signal = either(options.signal, request.signal);
      const subject: ImportSubject = {
        what: `${request.sourceRepository}@${request.content.digest}`,
        source: { host: options.sourceHost, id: options.sourceRegistryId, name: source.name },
        target: { id: options.targetRegistryId, name: target.name },
        agent: options.agent,
        signal,
      };
      try {
        client ??= load();
        const poller = (await client).registries.importImage(
          target.resourceGroup,
          target.name,
          {
            source: { resourceId: options.sourceRegistryId, sourceImage: subject.what },
            untaggedTargetRepositories: [request.targetRepository],
            mode: 'NoForce',
          },
          signal ? { abortSignal: signal } : {},
        );
        await poller.submitted();
        request.progress({ type: 'effect', step: 'import', effect: 'import started', subject: subject.what });
        await wait(poller, subject, request, options);
        return undefined;
      } catch (error) {
        const fault = faultOf(error);
        if (isAlreadyThere(fault)) return undefined;
        if (saysSubjectMissing(fault.message, request.sourceRepository)) return 'needs-subject';
        throw importError(error, subject);
      }
    },
  };
}

interface Operation {
  readonly isDone: boolean;
  poll(options?: { abortSignal?: AbortSignal }): Promise<unknown>;
}

/** Our own loop around the SDK's poller: its pauses cannot be told from outside, and it has no deadline. */
async function wait(
  operation: Operation,
  subject: ImportSubject,
  request: ImportRequest,
  options: AcrImporterOptions,
): Promise<void> {
  const { clock, deadlineSeconds = 1800 } = options;
  const { signal } = subject;
  const started = clock.now().getTime();
  let told = 0;
  for (let look = 0; ; look += 1) {
    await operation.poll(signal ? { abortSignal: signal } : {});
    if (operation.isDone) return;
    const seconds = Math.round((clock.now().getTime() - started) / 1000);
    if (seconds >= deadlineSeconds) throw stillRunning(subject, seconds);
    if (seconds >= told + 60) {
      told = seconds;
      request.progress({
        type: 'note',
        step: 'import',
        message: `${subject.target.name}: the import of ${subject.what} has been running for ${Math.round(seconds / 60)} min`,
      });
    }
    const left = deadlineSeconds * 1000 - (clock.now().getTime() - started);
    await clock.sleep(Math.min(pauses[Math.min(look, pauses.length - 1)] ?? 0, left), signal);
    const interrupted = interruption(signal);
    if (interrupted) throw interrupted;
  }
}

const stillRunning = (subject: ImportSubject, seconds: number): AmlpromoteError =>
  new AmlpromoteError(
    'TIMEOUT',
    `${armHost}: the import of ${subject.what} into ${subject.target.name} still says "running" after ${seconds} s`,
    {
      nextSteps: [
        'Run again: what has arrived is not imported again, and an import that ends in the meantime counts.',
        `If it stays so, look at the activity log of ${subject.target.name} and at its service health, and open a support request: imports that never end are known.`,
      ],
    },
  );

function either(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a && b ? AbortSignal.any([a, b]) : (a ?? b);
}
