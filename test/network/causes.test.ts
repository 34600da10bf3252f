import test from 'ava';
import { exitCodes } from '../../src/domain/errors.ts';
import { faultError } from '../../src/network/azure-error.ts';
import { causeOf, causes } from '../../src/network/causes.ts';
import { errorOf } from '../../src/oci/registry/errors.ts';

const html = 'text/html; charset=utf-8';
/** [name of the row, status, code, message, content type] */
const answers = [
  ['page', 200, '', '', html],
  ['page', 403, '', '', html],
  ['page', 404, '', '', html],
  ['page', 511, '', '', undefined],
  ['network', 403, 'DENIED', "client with IP '203.0.113.5' is not allowed access", undefined],
  ['network', 401, 'DENIED', "client with IP '203.0.113.5' is not allowed access", undefined],
  ['network', 403, 'AuthorizationFailure', '', undefined],
  ['network', 403, 'Forbidden', 'public network access of this workspace is disabled', undefined],
  ['identity', 401, 'UNAUTHORIZED', '', undefined],
  ['role', 403, 'DENIED', '', undefined],
  ['missing', 404, 'ResourceNotFound', '', undefined],
  ['slow', 408, '', '', html],
  ['slow', 504, '', '', html],
  ['busy', 429, '', '', html],
  ['failing', 500, '', '', undefined],
  ['failing', 503, '', '', html],
  ['request', 400, 'BadRequest', '', undefined],
  ['request', 418, '', '', undefined],
] as const;

for (const [name, status, code, message, type] of answers) {
  test(`${String(status)} ${code} ${type ?? ''}: ${name}, alike for a registry and for Azure`, (t) => {
    const cause = causeOf({ status, code, message, type });
    t.is(cause.name, name);
    const body = Buffer.from(JSON.stringify({ errors: [{ code, message }] }));
    const registry = errorOf(
      { status, headers: type === undefined ? {} : { 'content-type': type }, body },
      'h.test',
      'read x',
    );
    const azure = faultError({ status, code, message, type }, { what: 'reading x', host: 'h.test' });
    t.is(azure.code, cause.code);
    if (name !== 'request') t.is(registry.code, cause.code);
    for (const error of [registry, azure]) {
      t.is(error.exitCode, 20);
      t.true(error.nextSteps.length > 0);
    }
  });
}

test('every row is reached, is "could not check", and says what to do', (t) => {
  t.deepEqual(
    causes.map(({ name }) => name),
    [...new Set(answers.map(([name]) => name))],
  );
  for (const { code, nextSteps } of causes) {
    t.is(exitCodes[code], 20);
    t.true(nextSteps('h.test').length > 0);
  }
});
