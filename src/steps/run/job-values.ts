/** Values that the service may write in more than one way. */

/** Seconds of an ISO 8601 duration without years and months; undefined for anything else. */
export function secondsOf(duration: string): number | undefined {
  const match =
    /^P(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?$/.exec(
      duration,
    );
  const [, days, hours, minutes, seconds] = match ?? [];
  const parts = [days, hours, minutes, seconds];
  if (parts.every((part) => part === undefined)) return undefined;
  const [d = 0, h = 0, m = 0, s = 0] = parts.map((part) => Number(part ?? 0));
  return ((d * 24 + h) * 60 + m) * 60 + s;
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
