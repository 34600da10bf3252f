import type https from 'node:https';
import { AmlpromoteError } from '../../domain/errors.ts';
import type { AzureFault } from '../../network/azure-error.ts';
import { azureError, faultOf, interruption, isNetworkRule, tellFault } from '../../network/azure-error.ts';

export const armHost = 'management.azure.com';

/** What is being imported from where to where, for messages. */
export interface ImportSubject {
  /** `repository@sha256:…` of the source. */
  readonly what: string;
  readonly source: { readonly host: string; readonly id: string; readonly name: string };
  readonly target: { readonly id: string; readonly name: string };
  readonly agent: https.Agent;
  readonly signal: AbortSignal | undefined;
}

const role = 'Container Registry Data Importer and Data Reader';

/** The target has it: from an earlier run, or from our own first try when a request was repeated after a 503. */
export const isAlreadyThere = ({ status, code, message }: AzureFault): boolean =>
  code === 'ImageAlreadyExists' ||
  /already exists in (?:the )?target registry/i.test(message) ||
  (status === 409 && /already exists/i.test(message));

/**
 * Most reasons of an import come as text, from the operation rather than from the request, and with the source registry's answer
 * quoted in it (azure.md, "Errors arrive in the operation"). Hence the reading of words.
 */
export function importError(error: unknown, subject: ImportSubject): AmlpromoteError {
  if (error instanceof AmlpromoteError) return error;
  const interrupted = interruption(subject.signal);
  if (interrupted) return interrupted;
  const fault = faultOf(error);
  const { what, source, target } = subject;
  const make = (code: AmlpromoteError['code'], why: string, nextSteps: readonly string[]): AmlpromoteError =>
    new AmlpromoteError(code, `import of ${what} into ${target.name}: ${why} (${tellFault(fault)})`, {
      nextSteps,
      cause: error,
    });
  if (isNetworkRule(fault)) {
    return make('NETWORK_DENIED', 'a registry does not let the import service in', [
      `Set networkRuleBypassOptions to AzureServices on ${source.name} and on ${target.name}: imports between restricted registries need it.`,
    ]);
  }
  if (/LinkedAuthorizationFailed/.test(`${fault.code} ${fault.message}`) || isDeniedAtSource(fault)) {
    return make('FORBIDDEN', `the identity may not read ${source.host}`, [
      `Grant the identity the role "${role}" on ${source.id}; a new role takes some minutes to hold.`,
    ]);
  }
  if (isMissingAtSource(fault)) {
    return make('LISTED_CONTENT_MISSING', `${source.host} does not have it`, [
      'It was deleted outside after the release was made (retention of untagged manifests does that): sign and release again.',
    ]);
  }
  if (fault.status === undefined && isOutcome(fault)) {
    return make('OPERATION_FAILED', 'the operation failed', [
      `Check that ${source.host} still has ${what}, and that its export policy is enabled; then run again.`,
    ]);
  }
  if (fault.status === 400) {
    return make('OPERATION_FAILED', 'the service refused the import', [
      'Check both registry ids in the zones manifest, and that both registries are in one tenant; then run again.',
    ]);
  }
  const onSource = fault.message.toLowerCase().includes(`/registries/${source.name.toLowerCase()}'`);
  return azureError(error, {
    what: `import of ${what} into ${target.name}`,
    host: armHost,
    role: { name: role, scope: onSource ? source.id : target.id },
    agent: subject.agent,
    signal: subject.signal,
  });
}

const isDeniedAtSource = ({ message }: AzureFault): boolean =>
  /requested access to the resource is denied|\bunauthorized: authentication required/i.test(message);

/** The source registry's own words, quoted by the operation: a definite no. */
const isMissingAtSource = ({ code, message }: AzureFault): boolean =>
  /ManifestNotFound|MANIFEST_UNKNOWN|manifest unknown/i.test(`${code} ${message}`);

/** core-lro throws plain errors for an operation that ended badly. */
const isOutcome = ({ message }: AzureFault): boolean =>
  /long-running operation has failed|operation was canceled|error copying blobs/i.test(message);
