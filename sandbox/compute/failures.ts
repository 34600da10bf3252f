import { userLog } from '../aml/uris.ts';

/** A job that fails for a reason its owner should read; anything else is the sandbox's own failure. */
export class JobFailure extends Error {
  readonly code: 'UserError' | 'ServiceError';

  constructor(code: 'UserError' | 'ServiceError', message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'JobFailure';
    this.code = code;
  }
}

/** The compute's own words for an image that cannot be pulled. `image` is the reference of the environment. */
export const failedPullingImage = (image: string, reason: string, cause?: unknown): JobFailure =>
  new JobFailure(
    'UserError',
    [
      'AzureMLCompute job failed.',
      'FailedPullingImage: Unable to pull docker image',
      `\timageName: ${image}`,
      `\terr: Run docker command to pull private image failed with error: ${reason}`,
      `\tReason: ${reason}`,
      '\tInfo: Failed to prepare an environment for the job execution: Job environment preparation failed on 10.1.2.4 with err exit status 1.',
    ].join('\n'),
    { cause },
  );

/** `tail` is the end of the log; `hint` what the sandbox knows beyond it. */
export const commandFailed = (exitCode: number, tail: string, hint: string | undefined): JobFailure =>
  new JobFailure(
    'UserError',
    `Execution failed. User process 'bash' exited with status code ${exitCode}. Please check log file '${userLog}' for error details. Error: ${tail}${hint === undefined ? '' : `\n${hint}`}`,
  );

/** The image's entrypoint did not keep the container alive. `detail` is the engine's or the sandbox's word for why. */
export const containerConfigFailed = (image: string, detail: string, cause?: unknown): JobFailure =>
  new JobFailure(
    'UserError',
    [
      'AzureMLCompute job failed.',
      'JobContainerConfigFailed: The container of the job could not be made ready.',
      `\timageName: ${image}`,
      `\terr: ${detail}`,
      '\tInfo: The image is started with its own ENTRYPOINT and the arguments `sleep infinity`, then the command is run in it with `bash -c`. Let the ENTRYPOINT end in `exec "$@"`, or leave it out.',
    ].join('\n'),
    { cause },
  );

export const inputNotFound = (name: string, uri: string): JobFailure =>
  new JobFailure(
    'UserError',
    `AzureMLCompute job failed.\ndata-capability.UriMountSession.${name}: Failed to mount input '${name}'. The requested stream was not found. Please make sure the request uri is correct: ${uri}`,
  );

export const codeNotFound = (id: string): JobFailure =>
  new JobFailure(
    'UserError',
    `AzureMLCompute job failed.\ndata-capability: Failed to download the code of the job: ${id} has no files.`,
  );

export const storageDenied = (): JobFailure =>
  new JobFailure(
    'UserError',
    'AzureMLCompute job failed.\ndata-capability: Permission denied when accessing stream. Reason: the compute identity is not authorized to access the storage account (AuthorizationPermissionMismatch).',
  );

/** The sandbox has nothing to run jobs in. */
export const noEngine = (detail: string, cause?: unknown): JobFailure =>
  new JobFailure(
    'ServiceError',
    `The sandbox runs jobs in a Docker-compatible engine, and ${detail}. Start one, or say where it is with DOCKER_HOST, and run the job again under another name.`,
    { cause },
  );

export const nodeLost = (status: string): JobFailure =>
  new JobFailure(
    'ServiceError',
    `The sandbox was stopped while the job was ${status}; its container is gone.`,
  );
