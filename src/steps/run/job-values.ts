/** Values that the service may write in more than one way. */

/** Seconds of an ISO 8601 duration without years and months; undefined for anything else. */
export function secondsOf(duration: string): number | undefined {
  const match =
    /^P(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?$/.exec(duration);
  if (!match || match.slice(1).every((part) => part === undefined)) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
}

const longForm =
  /^azureml:\/\/subscriptions\/([^/]+)\/resource[gG]roups\/([^/]+)\/(?:providers\/Microsoft\.MachineLearningServices\/)?workspaces\/([^/]+)\/(datastores\/.+)$/;

/**
 * The same place in a datastore of the workspace, in the short form or in the long one, which names the workspace.
 * @param workspace ARM id
 */
export function sameDatastoreUri(a: string, b: string, workspace: string): boolean {
  const short = shortForm(a, workspace);
  return short !== undefined && short === shortForm(b, workspace);
}

function shortForm(uri: string, workspace: string): string | undefined {
  const long = longForm.exec(uri);
  if (!long) return uri;
  const [, subscription, group, name, place] = long;
  const id = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.MachineLearningServices/workspaces/${name}`;
  return id.toLowerCase() === workspace.toLowerCase() ? `azureml://${place}` : undefined;
}
