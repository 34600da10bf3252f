import { randomUUID } from 'node:crypto';
import { ResponseError } from '../http.ts';
import { topology } from '../topology.ts';

/**
 * The error body of the Azure ML front end behind ARM: `UserError` with the precise code nested in an `InnerError`, and
 * the correlation facts that support asks for. Clients read `error.code` and `error.message`.
 * @param inner from the general code to the precise one: `['Immutable', 'JobPropertyImmutable']`
 */
export function userError(status: number, message: string, inner: readonly string[] = []): ResponseError {
  const info = (type: string, value: unknown): object => ({ type, info: { value } });
  const nested = inner.reduceRight<object | null>((innerError, code) => ({ code, innerError }), null);
  const body = {
    error: {
      code: 'UserError',
      message,
      details: [],
      additionalInfo: [
        info('ComponentName', 'managementfrontend'),
        info('Correlation', {
          operation: randomUUID().replaceAll('-', ''),
          request: randomUUID().slice(0, 16),
        }),
        info('Environment', topology.region),
        info('Location', topology.region),
        ...(nested ? [info('InnerError', nested)] : []),
      ],
    },
  };
  return new ResponseError({ status, body }, `UserError: ${message}`);
}

/** 400 for a body or query that breaks a rule of the API. */
export const badArgument = (message: string): ResponseError =>
  userError(400, message, ['BadArgument', 'ArgumentInvalid']);

/** 404 of a thing inside a workspace. */
export const notFound = (message: string): ResponseError => userError(404, message, ['NotFound']);
