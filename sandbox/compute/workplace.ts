import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { commandReference } from '../aml/job-definition.ts';
import type { AssetKind, Assets } from '../aml/assets.ts';
import { resolvedUri } from '../aml/assets.ts';
import type { JobDefinition, JobRecord } from '../aml/jobs.ts';
import { artifactContainer, artifactPrefix, placeOf } from '../aml/uris.ts';
import type { BlobStore } from '../blob/store.ts';
import type { Mount } from './engine.ts';
import { codeNotFound, inputNotFound, JobFailure } from './failures.ts';
import { fetchFile, fetchFolder, makeFolder, storeFile, storeFolder } from './files.ts';

/** A job's folders on this machine and in its container, laid out as Azure ML's common runtime does. */
export interface Workplace {
  readonly mounts: readonly Mount[];
  /** Inside the container; not the image's `WORKDIR`. */
  readonly workingDirectory: string;
  /** The command with its references replaced. */
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Stores the outputs; what was left out and why, for the log. */
  store(): Promise<string[]>;
  remove(): Promise<void>;
}

/**
 * Brings the inputs here and makes room for the outputs.
 * @throws JobFailure when an input is not there
 */
export async function makeWorkplace(
  directory: string,
  job: JobRecord,
  store: BlobStore,
  assets: Readonly<Record<AssetKind, Assets>>,
): Promise<Workplace> {
  const id = randomUUID().replaceAll('-', '');
  const local = join(directory, id);
  const inContainer = `/mnt/azureml/cr/j/${id}`;
  const data = `${inContainer}/cap/data-capability/wd`;
  const workingDirectory = `${inContainer}/exe/wd`;
  const { definition } = job;
  await makeFolder(join(local, 'wd'), 0o777);
  if (definition.codeId !== undefined)
    await fetchCode(store, assets.codes, definition.codeId, join(local, 'wd'));

  const values = new Map<string, string>();
  const mounts: Mount[] = [{ source: join(local, 'wd'), target: workingDirectory, readOnly: false }];
  for (const [name, input] of Object.entries(definition.inputs)) {
    if (input.jobInputType === 'literal') {
      values.set(`inputs.${name}`, input.value);
      continue;
    }
    const source = join(local, 'inputs', name);
    const target = `${data}/INPUT_${name}`;
    await makeFolder(source, 0o755);
    const file = await fetchInput(store, assets.data, name, input, source);
    mounts.push({ source, target, readOnly: true });
    values.set(`inputs.${name}`, file === '' ? target : `${target}/${file}`);
  }
  for (const [name, output] of Object.entries(definition.outputs)) {
    const source = join(local, 'outputs', name);
    const target = `${data}/${name}`;
    await makeFolder(source, 0o777);
    mounts.push({ source, target, readOnly: false });
    values.set(
      `outputs.${name}`,
      output.jobOutputType === 'uri_file' ? `${target}/${fileNameOf(output.uri, name)}` : target,
    );
  }
  return {
    mounts,
    workingDirectory,
    command: definition.command.replace(
      commandReference,
      (_, kind: string, name: string) => values.get(`${kind}.${name}`) ?? '',
    ),
    environment: {
      ...definition.environmentVariables,
      ...runtimeVariables(job, workingDirectory, data),
      ...Object.fromEntries([...values].map(([key, value]) => [variableOf(key), value])),
    },
    store: () => storeOutputs(store, job, local),
    remove: () => rm(local, { recursive: true, force: true }).catch(() => undefined),
  };
}

/** The files of the code are the working directory, as Azure ML lays them out. */
async function fetchCode(store: BlobStore, codes: Assets, id: string, folder: string): Promise<void> {
  const place = placeOf(resolvedUri(codes, 'codes', id) ?? '');
  if (!place) throw codeNotFound(id);
  if ((await fetchFolder(store, place, folder)) > 0) return;
  if (place.path === '' || (await fetchFile(store, place, folder)) === undefined) throw codeNotFound(id);
}

/** @returns the file's name, '' for a folder */
async function fetchInput(
  store: BlobStore,
  data: Assets,
  name: string,
  input: Exclude<JobDefinition['inputs'][string], { jobInputType: 'literal' }>,
  folder: string,
): Promise<string> {
  const place = placeOf(resolvedUri(data, 'data', input.uri) ?? input.uri);
  if (!place) throw inputNotFound(name, input.uri);
  if (input.jobInputType === 'uri_folder') {
    if ((await fetchFolder(store, place, folder)) === 0) throw inputNotFound(name, input.uri);
    return '';
  }
  const file = await fetchFile(store, place, folder);
  if (file === undefined) throw inputNotFound(name, input.uri);
  return file;
}

/** Also after a command that failed: its outputs were written through a mount. */
async function storeOutputs(store: BlobStore, job: JobRecord, local: string): Promise<string[]> {
  const notes: string[] = [];
  for (const [name, output] of Object.entries(job.definition.outputs)) {
    const place = placeOf(output.uri);
    if (!place) throw new JobFailure('UserError', `Output '${name}' has no place to go: ${output.uri}`);
    const folder = join(local, 'outputs', name);
    if (output.jobOutputType === 'uri_file')
      await storeFile(store, join(folder, fileNameOf(output.uri, name)), place).catch((error: unknown) =>
        notes.push(`output ${name} was not stored: ${error instanceof Error ? error.message : 'unknown'}`),
      );
    else
      for (const path of await storeFolder(store, folder, place))
        notes.push(`output ${name}: ${path} is not a regular file and was left out`);
  }
  // Files that a command writes to ./outputs belong to the run without being declared.
  await storeFolder(store, join(local, 'wd', 'outputs'), {
    container: artifactContainer,
    path: `${artifactPrefix(job.name)}/outputs`,
  }).catch(() => []);
  return notes;
}

const fileNameOf = (uri: string, name: string): string => basename(placeOf(uri)?.path ?? '') || name;

/** `inputs.data` → `AZURE_ML_INPUT_data` */
const variableOf = (key: string): string =>
  key.replace(/^inputs\./, 'AZURE_ML_INPUT_').replace(/^outputs\./, 'AZURE_ML_OUTPUT_');

const runtimeVariables = (
  job: JobRecord,
  workingDirectory: string,
  data: string,
): Record<string, string> => ({
  AZUREML_RUN_ID: job.name,
  AZUREML_ROOT_RUN_ID: job.name,
  AZUREML_EXPERIMENT_NAME: job.definition.experimentName,
  AZUREML_CR_EXECUTION_WORKING_DIR_PATH: workingDirectory,
  AZUREML_CR_DATA_CAPABILITY_PATH: data,
});
