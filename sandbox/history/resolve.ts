import type { AssetKind, Assets } from '../aml/assets.ts';
import { resolvedUri } from '../aml/assets.ts';
import type { Jobs } from '../aml/jobs.ts';
import { defaultOutputAsset, longUri, parseOutputAsset } from '../aml/uris.ts';
import { azureError } from '../http.ts';

interface Resolvers {
  readonly data: Assets;
  readonly models: Assets;
  readonly jobs: Jobs;
}

/** The ids of a request `{"values": ["azureml://locations/…", …]}`. @throws ResponseError 400 */
export function askedIds(body: unknown): string[] {
  const values = (body as { values?: unknown } | null)?.values;
  if (Array.isArray(values) && values.every((value) => typeof value === 'string')) return values;
  throw azureError(400, 'UserError', 'The field values must be a list of asset ids.');
}

/** `dataversion/batchGetResolvedUris`: id → where the data is, as a long datastore URI. @throws ResponseError 404 */
export function resolvedData(ids: readonly string[], resolvers: Resolvers): object {
  const values = ids.map((id) => {
    const output = outputOf(id, resolvers.jobs);
    if (output) return [id, output] as const;
    const uri = resolvedUri(resolvers.data, 'data', id);
    if (uri === undefined) throw unknown(id);
    return [id, { uri: longUri(uri), type: typeOf(resolvers.data, 'data', id) }] as const;
  });
  return { values: Object.fromEntries(values) };
}

/** `models/batchGetResolvedUris`. @throws ResponseError 404 */
export function resolvedModels(ids: readonly string[], resolvers: Resolvers): object {
  const values = ids.map((id) => {
    const uri = resolvedUri(resolvers.models, 'models', id);
    if (uri === undefined) throw unknown(id);
    return [id, { path: longUri(uri), type: typeOf(resolvers.models, 'models', id) }] as const;
  });
  return { values: Object.fromEntries(values) };
}

/** A job's output is a data asset that nobody registered: its id names the job and the output. */
function outputOf(id: string, jobs: Jobs): { readonly uri: string; readonly type: string } | undefined {
  const asked = parseOutputAsset(id);
  const definition = asked && jobs.get(asked.job)?.definition;
  const output =
    definition && Object.hasOwn(definition.outputs, asked.output)
      ? definition.outputs[asked.output]
      : undefined;
  return output && { uri: longUri(output.uri), type: dataType(output.jobOutputType) };
}

function typeOf(assets: Assets, kind: AssetKind, id: string): string | null {
  const [, name = '', version = ''] = /(?:^|[/:])([^/:]+)(?:\/versions\/|:)([^/:]+)$/.exec(id) ?? [];
  const definition = assets.version(name, version)?.definition;
  const type = kind === 'data' ? definition?.dataType : definition?.modelType;
  if (typeof type !== 'string') return null;
  return kind === 'data' ? dataType(type) : type;
}

/** The data plane writes in another way than ARM what a file and a folder are. */
const dataType = (type: string): string => (type === 'uri_file' ? 'UriFile' : 'UriFolder');

const unknown = (id: string): Error => azureError(404, 'UserError', `No asset with the id ${id} was found.`);

/** Name → reference, as run history lists the outputs of a run. */
export const outputReferences = (
  job: string,
  outputs: Readonly<Record<string, { readonly jobOutputType: string }>>,
): object =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, { jobOutputType }]) => [
      name,
      { assetId: defaultOutputAsset(job, name), type: dataType(jobOutputType) },
    ]),
  );
