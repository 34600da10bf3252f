import { readFile } from 'node:fs/promises';
import type https from 'node:https';
import { AmlpromoteError } from '../../domain/errors.ts';
import { connectionFailure } from '../../network/agent.ts';
import { interruption, tell } from '../../network/azure-error.ts';
import { causeOf } from '../../network/causes.ts';
import { networkError } from '../../network/errors.ts';
import type { IdentityAccess } from './access.ts';

const loginHost = 'login.microsoftonline.com';

export interface TokenAttempt {
  readonly access: IdentityAccess;
  readonly agent: https.Agent;
  /** Of the last answer to a token request; undefined when there was none. */
  readonly status: number | undefined;
  /** An AbortSignal, or the SDK's look-alike, which gives no reason. */
  readonly signal: unknown;
}

/** Why there is no token, in words that lead to the line that is wrong. */
export async function credentialError(error: unknown, attempt: TokenAttempt): Promise<AmlpromoteError> {
  if (error instanceof AmlpromoteError) return error;
  const { access, agent, status, signal } = attempt;
  const interrupted = signal instanceof AbortSignal ? interruption(signal) : undefined;
  if (interrupted) return interrupted;
  const said = messages(error);
  const entra = /AADSTS(\d{4,9})\b:?([^\r\n]*)/.exec(said);
  if (entra?.[1] !== undefined) return entraError(entra[1], entra[2] ?? '', access, error);
  const broken = connectionFailure(agent, loginHost) ?? networkError(error, loginHost);
  if (broken) return broken;
  const answered = causeOf({ status: status ?? 0, code: '', message: '' });
  if (['busy', 'slow', 'failing'].includes(answered.name)) {
    return new AmlpromoteError(
      answered.code,
      `no token from ${loginHost}: ${answered.said} (HTTP ${status})`,
      {
        nextSteps: answered.nextSteps(loginHost),
        cause: error,
      },
    );
  }
  // MSAL keeps only its own word for a connection that broke.
  if (status === undefined && /\b(?:network_error|endpoints_resolution_error)\b/.test(said)) {
    return new AmlpromoteError('UNREACHABLE', `${loginHost} could not be reached for a token`, {
      nextSteps: [
        'Run again; if it stays, check DNS, firewall and proxy on the way to it (network in the zones manifest).',
      ],
      cause: error,
    });
  }
  const token =
    access.identity.kind === 'workload' ? await tokenFileProblem(access.identity.tokenFile) : undefined;
  if (token !== undefined) return unauthenticated(token.message, [token.nextStep], error);
  return unauthenticated(`no token: ${tell(firstLine(said))}`, [hints[access.identity.kind]], error);
}

const hints = {
  workload:
    'Check access.identity of the zone: clientId and tokenFile (or AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE).',
  managed:
    'Run on an Azure machine that has this managed identity (clientId picks a user-assigned one), or use another kind of access.identity.',
  cli: 'Log in with `az login --tenant …`, or use another kind of access.identity.',
  default:
    'None of the usual ways gave a token: log in with `az login`, or write the kind of access.identity that is meant.',
} as const;

/** Entra's codes that a wrong line in our manifest or a wrong federation leads to (Microsoft Entra error code reference). */
function entraError(number: string, words: string, access: IdentityAccess, cause: unknown): AmlpromoteError {
  const { tenant, identity } = access;
  const code = `AADSTS${number}`;
  const client = identity.clientId ?? 'the client';
  const nextSteps: Readonly<Record<string, string>> = {
    90002: `There is no tenant ${tenant}: check access.tenant of the zone.`,
    900023: `${tenant} is not a tenant id: check access.tenant of the zone.`,
    700016: `Tenant ${tenant} does not know ${client}: check access.identity.clientId of the zone.`,
    70021: `No federated credential of ${client} fits the token's issuer and subject: add one in Entra.`,
    700211: `No federated credential of ${client} fits the token's issuer: add one in Entra.`,
    700212: `No federated credential of ${client} fits the token's audience: ask for api://AzureADTokenExchange.`,
    700213: `No federated credential of ${client} fits the token's subject: add one in Entra.`,
    700024: `The federated token in ${identity.tokenFile ?? 'the token file'} has expired or is not valid yet: get a fresh one, and check the clock.`,
    50013: `The federated token in ${identity.tokenFile ?? 'the token file'} is not accepted: get a fresh one from the issuer that Entra knows.`,
  };
  return unauthenticated(
    `no token: ${code}${words === '' ? '' : `: ${tell(words)}`}`,
    [nextSteps[number] ?? `Look ${code} up in the Microsoft Entra error codes; check access of the zone.`],
    cause,
  );
}

/** Looked at only after a failure: a token in the SDK's cache outlives its file. */
async function tokenFileProblem(
  file: string | undefined,
): Promise<{ message: string; nextStep: string } | undefined> {
  if (file === undefined) return undefined;
  const nextStep = `Put a fresh federated token into ${file}; your CI system or cluster issues it.`;
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch {
    return { message: `the token file ${file} cannot be read`, nextStep };
  }
  if (text === '') return { message: `the token file ${file} is empty`, nextStep };
  const expiry = expiryOf(text);
  if (expiry !== undefined && expiry <= Date.now()) {
    return { message: `the token in ${file} expired at ${new Date(expiry).toISOString()}`, nextStep };
  }
  return undefined;
}

/** `exp` of a JWT in milliseconds; undefined when it cannot be read, which proves nothing. */
function expiryOf(token: string): number | undefined {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    if (typeof payload !== 'object' || payload === null || !('exp' in payload)) return undefined;
    return typeof payload.exp === 'number' ? payload.exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}

/** The messages of an error, its causes and the members of an aggregate: Entra's code is often two levels down. */
function messages(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 4) return '';
  const inner = 'errors' in error && Array.isArray(error.errors) ? (error.errors as unknown[]) : [];
  return [error.message, ...[error.cause, ...inner].map((each) => messages(each, depth + 1))]
    .filter((text) => text !== '')
    .join('\n');
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

const unauthenticated = (message: string, nextSteps: readonly string[], cause: unknown): AmlpromoteError =>
  new AmlpromoteError('UNAUTHENTICATED', message, { nextSteps, cause });
