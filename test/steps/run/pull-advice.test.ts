import test from 'ava';
import { pullAdvice } from '../../../src/steps/run/pull-advice.ts';

const name =
  'FailedPullingImage: Unable to pull docker image\n\timageName: contososec.azurecr.io/ml/x@sha256:aa\n\terr: ';

for (const [reason, advice] of [
  [
    'Error response from daemon: Head "https://contososec.azurecr.io/v2/ml/x/manifests/sha256:aa": unauthorized: authentication required, visit https://aka.ms/acr/authorization',
    /AcrPull/,
  ],
  ['denied: requested access to the resource is denied', /AcrPull/],
  ['Get "https://other.azurecr.io/v2/": dial tcp: lookup other.azurecr.io: no such host', /private endpoint/],
  ['Get "https://contososec.azurecr.io/v2/": dial tcp 10.1.2.3:443: i/o timeout', /private endpoint/],
  ['Get "https://contososec.azurecr.io/v2/": http: server gave HTTP response to HTTPS client', /TLS/],
  [
    'Get "https://contososec.azurecr.io/v2/": tls: failed to verify certificate: x509: unknown authority',
    /TLS/,
  ],
  [
    'manifest for contososec.azurecr.io/ml/x@sha256:aa not found: manifest unknown',
    /import the release again/,
  ],
  ['write /var/lib/docker/tmp: no space left on device', /disk/],
] as const) {
  test(`what to do about a failed pull: ${reason.slice(0, 90)}`, (t) => {
    const steps = pullAdvice(name + reason).join(' ');
    t.regex(steps, advice);
    if (advice.source !== 'AcrPull') t.false(steps.includes('AcrPull'), 'a role does not help here');
  });
}

test('a reason that nobody knows gets both usual ones', (t) => {
  t.regex(pullAdvice(`${name}something else`).join(' '), /AcrPull.*private endpoint/);
});
