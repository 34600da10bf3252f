import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import { azureError, faultError, faultOf, faultOfBody, tell } from '../../src/network/azure-error.ts';

const call = {
  what: 'reading environment a:1',
  host: 'management.azure.com',
  role: { name: 'AzureML Data Scientist', scope: '/subscriptions/s/workspaces/w' },
};

for (const [name, status, code, message, expected] of [
  [
    'no token',
    401,
    'ExpiredAuthenticationToken',
    'The access token expiry is in the past',
    'UNAUTHENTICATED',
  ],
  ['no role', 403, 'AuthorizationFailed', 'The client does not have authorization', 'FORBIDDEN'],
  [
    'a registry firewall',
    403,
    'DENIED',
    "client with IP '203.0.113.5' is not allowed access",
    'NETWORK_DENIED',
  ],
  [
    'a workspace without public access',
    403,
    'Forbidden',
    'Public access is not allowed, private endpoint only: the public network access of this workspace is disabled.',
    'NETWORK_DENIED',
  ],
  [
    'a storage firewall',
    403,
    'AuthorizationFailure',
    'This request is not authorized to perform this operation.',
    'NETWORK_DENIED',
  ],
  [
    'a storage role',
    403,
    'AuthorizationPermissionMismatch',
    'This request is not authorized to perform this operation using this permission.',
    'FORBIDDEN',
  ],
  ['nothing there', 404, 'ResourceNotFound', 'The Resource was not found', 'NOT_FOUND'],
  ['throttling', 429, 'TooManyRequests', '', 'THROTTLED'],
  ['a slow gateway', 504, 'GatewayTimeout', '', 'TIMEOUT'],
  ['a bad day', 503, 'ServiceUnavailable', '', 'SERVICE_FAILED'],
  ['anything else', 418, '', '', 'SERVICE_FAILED'],
] as const satisfies readonly (readonly [string, number, string, string, ErrorCode])[]) {
  test(`${name} (${String(status)}) is ${expected}, exit 20, with something to do`, (t) => {
    const error = faultError({ status, code, message }, call);
    t.is(error.code, expected);
    t.is(error.exitCode, 20);
    t.true(error.nextSteps.length > 0);
    t.true(error.message.startsWith('reading environment a:1: '));
  });
}

test('a missing role is named with its scope and the action that lacks', (t) => {
  const message =
    "The client 'x' does not have authorization to perform action 'Microsoft.MachineLearningServices/workspaces/jobs/write' over scope '/y'";
  const error = faultError({ status: 403, code: 'AuthorizationFailed', message }, call);
  t.is(
    error.nextSteps[0],
    'Grant the identity the role "AzureML Data Scientist" on /subscriptions/s/workspaces/w (it lacks Microsoft.MachineLearningServices/workspaces/jobs/write); a new role takes some minutes to hold.',
  );
});

test('threat 31: what a service says is told on one line, without query strings, control characters and endless text', (t) => {
  const said = `see https://h.test/p?sig=SECRET&x=1 \u001b[31mred\u202e\r\nnext ${'x'.repeat(1000)}`;
  const told = tell(said);
  t.true(told.startsWith('see https://h.test/p [31mred next x'));
  t.notRegex(told, /SECRET|[\p{Cc}\u202e]/u);
  t.true(told.length <= 401);
});

test('faults are read from errors of the SDKs and from bodies, whatever their shape', (t) => {
  const rest = Object.assign(new Error('outer'), {
    statusCode: 403,
    code: 'X',
    details: { error: { code: 'Inner', message: 'inner' } },
  });
  t.deepEqual(faultOf(rest), { status: 403, code: 'Inner', message: 'inner' });
  t.deepEqual(faultOf('text'), { status: undefined, code: '', message: 'text' });
  t.deepEqual(faultOfBody(404, '{"error":{"code":"UserError","message":"no"}}'), {
    status: 404,
    code: 'UserError',
    message: 'no',
  });
  t.deepEqual(faultOfBody(403, '{"errors":[{"code":"DENIED","message":"no"}]}'), {
    status: 403,
    code: 'DENIED',
    message: 'no',
  });
  for (const body of [undefined, '', '<html>', 'null', '[]', '{"error":7}']) {
    t.deepEqual(faultOfBody(502, body), { status: 502, code: '', message: '' });
  }
});

test('our own errors pass, an abort is INTERRUPTED, an unknown error is not called a success', (t) => {
  const own = new AmlpromoteError('UNREACHABLE', 'x');
  t.is(azureError(own, call), own);
  t.is(azureError(new Error('aborted'), { ...call, signal: AbortSignal.abort() }).code, 'INTERRUPTED');
  const reason = new AmlpromoteError('TIMEOUT', 'y');
  t.is(azureError(new Error('aborted'), { ...call, signal: AbortSignal.abort(reason) }), reason);
  t.is(azureError(Object.assign(new Error('x'), { code: 'ECONNRESET' }), call).code, 'UNREACHABLE');
  t.is(azureError(new Error('what'), call).code, 'SERVICE_FAILED');
});
