import { isUtf8 } from 'node:buffer';
import * as z from 'zod';
import { formatArmId } from '../../domain/arm-id.ts';
import { parseStrictJson } from '../../json/strict.ts';
import { tell } from '../../network/azure-error.ts';
import type { WorkspaceArm } from './arm.ts';
import { bestEffort } from './best-effort.ts';
import { createHttp } from './http.ts';
import type { WorkspaceOptions } from './options.ts';
import { readRange } from './ranged-read.ts';

/** What run history knows beyond ARM. It is another host with another right, so everything here may be unreadable: `undefined`. */
export interface RunHistory {
  /** The log from byte `offset`; '' when there is nothing more yet. */
  log(job: string, offset: number): Promise<string | undefined>;
  failure(job: string): Promise<string | undefined>;
}

/** Where the command's own output goes; the service has had both names. */
const logFiles = ['user_logs/std_log.txt', 'azureml-logs/70_driver_log.txt'] as const;
const dataPlaneAudience = 'https://ml.azure.com/.default';
/** Only the service's own hosts get a token. */
const isDataPlane = (url: URL | null): url is URL =>
  url?.protocol === 'https:' && /\.api\.(?:azureml\.ms|ml\.azure\.us|ml\.azure\.cn)$/.test(url.hostname);

const detailsSchema = z.object({
  logFiles: z.record(z.string(), z.string()).nullish(),
  error: z
    .object({ error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).nullish() })
    .nullish(),
});
type Details = z.infer<typeof detailsSchema>;

const maxLogBytes = 1024 * 1024;

export function createRunHistory(arm: WorkspaceArm, options: WorkspaceOptions): RunHistory {
  const { agent, credential, signal } = options;
  // No retries: a log that cannot be read now is asked for again with the next look at the job.
  const retry = { maxRetries: 0, retryDelayInMs: 0 };
  let base: string | undefined;
  const signedUrls = new Map<string, string>();

  const endpoint = async (): Promise<string | undefined> => {
    const body = await arm.find('', 'looking for its run history');
    const workspace = z.object({ properties: z.object({ discoveryUrl: z.string() }) }).safeParse(body);
    const discovery = URL.parse(workspace.data?.properties.discoveryUrl ?? '');
    if (!isDataPlane(discovery)) return undefined;
    const send = await createHttp({ agent, signal, retry });
    const answer = await send({ method: 'GET', url: discovery.href });
    if (answer.status !== 200) return undefined;
    const services = z
      .object({ history: z.string() })
      .safeParse(parseStrictJson(answer.body, { where: 'discovery of the workspace' }));
    const history = URL.parse(services.data?.history ?? '');
    return isDataPlane(history) ? `${history.origin}/history/v1.0${formatArmId(arm.id)}` : undefined;
  };

  const details = async (job: string): Promise<Details | undefined> => {
    // Only a success is remembered: the next look may find what was not reachable now.
    base ??= await endpoint();
    if (base === undefined) return undefined;
    const authentication = { credential, scope: dataPlaneAudience };
    const send = await createHttp({ agent, signal, retry, authentication });
    const answer = await send({ method: 'GET', url: `${base}/runs/${encodeURIComponent(job)}/details` });
    if (answer.status !== 200) return undefined;
    const parsed = detailsSchema.safeParse(parseStrictJson(answer.body, { where: `run details of ${job}` }));
    return parsed.data;
  };

  const logUrl = async (job: string): Promise<string | undefined> => {
    const known = signedUrls.get(job);
    if (known !== undefined) return known;
    const files = (await details(job))?.logFiles;
    if (!files) return undefined;
    const url = logFiles.map((file) => files[file]).find((found) => found !== undefined) ?? '';
    if (url !== '') signedUrls.set(job, url);
    return url;
  };

  return {
    log: async (job, offset) =>
      bestEffort(signal, async () => {
        const url = await logUrl(job);
        if (url === undefined || url === '') return url;
        const bytes = await readRange(url, offset, maxLogBytes, { agent, signal });
        // The signature may have run out: the next look asks for a new one.
        if (bytes === undefined) signedUrls.delete(job);
        return bytes === undefined ? undefined : wholeText(bytes);
      }),
    failure: async (job) =>
      bestEffort(signal, async () => {
        const error = (await details(job))?.error?.error;
        const words = [error?.code, error?.message].filter((word) => typeof word === 'string' && word !== '');
        return words.length === 0 ? undefined : tell(words.join(': '));
      }),
  };
}

/**
 * Text with exactly as many UTF-8 bytes as were taken, so that the caller's offset stays true: a character that is cut off at the end
 * is left for the next read, bytes that are no text become `?`.
 */
function wholeText(bytes: Uint8Array): string {
  let end = bytes.length;
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    if (length > back) end = bytes.length - back;
    break;
  }
  const whole = Buffer.from(bytes.subarray(0, end));
  if (isUtf8(whole)) return whole.toString('utf8');
  return whole.toString('latin1').replace(/[\u0080-\u00ff]/g, '?');
}
