import { region, storage, workspace } from '../topology.ts';

/** A place in the storage account. */
export interface BlobPlace {
  readonly container: string;
  /** Without a leading slash; a folder may end in one. */
  readonly path: string;
}

/** The datastores of the workspace, by name: the containers that Azure ML makes in its storage account. */
export const datastoreContainers: Readonly<Record<string, string>> = {
  [workspace.datastore.name]: workspace.datastore.container,
  workspaceartifactstore: 'azureml',
};

const shortUri = /^azureml:\/\/datastores\/([^/]+)\/paths\/(.*)$/;
const longForm =
  /^azureml:\/\/subscriptions\/([^/]+)\/resource[gG]roups\/([^/]+)\/workspaces\/([^/]+)\/datastores\/([^/]+)\/paths\/(.*)$/;
const artifactUri = /^azureml:\/\/datastores\/(workspaceartifactstore)\/(ExperimentRun\/.*)$/;

/** Where a data URI points; undefined when it is none that this workspace can reach. */
export function placeOf(uri: string): BlobPlace | undefined {
  const short = shortUri.exec(uri) ?? artifactUri.exec(uri);
  if (short) return inDatastore(short[1], short[2]);
  const long = longForm.exec(uri);
  if (long) return isThisWorkspace(long) ? inDatastore(long[4], long[5]) : undefined;
  return inAccount(uri);
}

const isThisWorkspace = ([, subscription, group, name]: RegExpExecArray): boolean =>
  [subscription, group, name].join('/').toLowerCase() ===
  [workspace.subscription, workspace.resourceGroup, workspace.name].join('/').toLowerCase();

function inDatastore(name = '', path = ''): BlobPlace | undefined {
  const container = datastoreContainers[name];
  return container === undefined ? undefined : checked(container, path);
}

function inAccount(uri: string): BlobPlace | undefined {
  const url = URL.parse(uri);
  if (url?.protocol !== 'https:' || url.hostname !== storage.blobHost) return undefined;
  const [, container = '', ...rest] = decoded(url.pathname).split('/');
  return container === '' ? undefined : checked(container, rest.join('/'));
}

/** '' for what is not valid percent-encoded UTF-8. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

/** A path with `.` or `..` names nothing in a blob store, and must not become a file path. */
const checked = (container: string, path: string): BlobPlace | undefined =>
  path.split('/').some((part) => part === '.' || part === '..' || part.includes('\0'))
    ? undefined
    : { container, path };

/** Where a job's output goes when the job does not say; a folder's ends in a slash. */
export const defaultOutputUri = (job: string, output: string, type: 'uri_file' | 'uri_folder'): string =>
  `azureml://datastores/${workspace.datastore.name}/paths/azureml/${job}/${output}${type === 'uri_folder' ? '/' : ''}`;

/** Where a job's logs are. */
export const artifactPrefix = (job: string): string => `ExperimentRun/dcid.${job}`;
export const artifactUriOf = (job: string): string =>
  `azureml://datastores/workspaceartifactstore/${artifactPrefix(job)}`;
export const artifactContainer = 'azureml';
/** Standard output and error of the command. */
export const userLog = 'user_logs/std_log.txt';
/** What the compute did with the job. */
export const systemLog = 'system_logs/lifecycler/lifecycler.log';

/** A path in a datastore with the workspace spelt out, as the data plane answers; any other URI as it is. */
export function longUri(uri: string): string {
  const [, name, path] = shortUri.exec(uri) ?? [];
  return name === undefined || path === undefined
    ? uri
    : `azureml://subscriptions/${workspace.subscription}/resourcegroups/${workspace.resourceGroup}/workspaces/${workspace.name}/datastores/${name}/paths/${path}`;
}

const outputAsset = new RegExp(
  `^azureml://locations/${region}/workspaces/${workspace.guid}/data/azureml_(.+)_output_data_([a-zA-Z0-9_]+)/versions/1$`,
);

/** The id of the data asset that a job's output is. */
export const defaultOutputAsset = (job: string, output: string): string =>
  `azureml://locations/${region}/workspaces/${workspace.guid}/data/azureml_${job}_output_data_${output}/versions/1`;

export function parseOutputAsset(id: string): { readonly job: string; readonly output: string } | undefined {
  const [, job, output] = outputAsset.exec(id) ?? [];
  return job === undefined || output === undefined ? undefined : { job, output };
}
