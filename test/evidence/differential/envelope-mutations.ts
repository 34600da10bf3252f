import { mediaTypes } from '../../../src/domain/media-types.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { notary } from '../../../src/evidence/notation.ts';
import { hex } from '../../support/certificate-writer.ts';
import { target } from './notation-draft.ts';
import type { Mutation, Draft, Json } from './notation-draft.ts';

const protectedIs =
  (key: string, value: unknown) =>
  (draft: Draft): void => {
    draft.protected[key] = value;
  };
const targetIs =
  (key: string, value: unknown) =>
  (draft: Draft): void => {
    (draft.payload.targetArtifact as Json)[key] = value;
  };
const inProtected =
  (from: string, to: string) =>
  (draft: Draft): void => {
    draft.protectedText = (text) => text.replace(from, to);
  };
const inPayload =
  (from: string, to: string) =>
  (draft: Draft): void => {
    draft.payloadText = (text) => text.replace(from, to);
  };
const inEnvelope =
  (from: string, to: string) =>
  (draft: Draft): void => {
    draft.envelopeText = (text) => text.replace(from, to);
  };
const expiring =
  (time: unknown, critical = true) =>
  (draft: Draft): void => {
    draft.protected[notary.expiry] = time;
    if (critical) draft.protected.crit = [notary.scheme, notary.expiry];
  };
const times = [
  '2026-02-30T12:00:00Z',
  '2025-02-29T12:00:00Z',
  '2024-02-29T12:00:00Z',
  '2026-04-31T00:00:00Z',
  '2026-03-01T24:00:00Z',
  '2026-03-01T23:59:60Z',
  '2026-03-01T12:60:00Z',
  '2026-13-01T00:00:00Z',
  '2026-00-10T00:00:00Z',
  '2026-01-00T00:00:00Z',
  '2026-03-01T12:00:00+24:00',
  '2026-03-01T12:00:00+23:59',
  '2026-03-01T12:00:00-00:00',
  '2026-03-01T12:00:00+09:60',
  '2026-03-01t12:00:00z',
  '2026-03-01 12:00:00Z',
  '2026-03-01T12:00:00',
  '2026-03-01T12:00Z',
  '2026-03-01T12:00:00,5Z',
  '2026-3-1T12:00:00Z',
  '+02026-03-01T12:00:00Z',
  '0000-01-01T00:00:00Z',
  '1970-01-01T00:00:00Z',
  '9999-12-31T23:59:59Z',
  ' 2026-03-01T12:00:00Z',
  'Mon, 02 Mar 2026 12:00:00 GMT',
  '1772366400',
] as const;

const spellings: readonly (readonly [string, string])[] = [
  ['alg', 'ALG'],
  ['crit', 'Crit'],
  ['cty', 'CTY'],
  [notary.scheme, 'io.cncf.notary.signingscheme'],
  [notary.scheme, 'io.cncf.notary.ſigningScheme'],
  [notary.signingTime, 'io.cncf.notary.ſigningTime'],
  [notary.signingTime, 'io.cncf.notary.SigningTime'],
];

/** Name attributes that the leaf has in place of the usual ones. */
const sizes = [
  '9.55e2',
  '955.0',
  '955e0',
  '0955',
  '"955"',
  '955.5',
  '-955',
  '9007199254740993',
  '1e400',
  'null',
  'true',
  '[955]',
];

/** Of the envelope: its headers, its payload, its own members. */
export const envelopeMutations: readonly Mutation[] = [
  ['nothing changed', () => undefined],
  // The envelope.
  ...times.flatMap((time): Mutation[] => [
    [`signing time ${time}`, protectedIs(notary.signingTime, time)],
    [`expiry ${time}`, expiring(time)],
  ]),
  ['signing time null', protectedIs(notary.signingTime, null)],
  ['signing time a number', protectedIs(notary.signingTime, 1772366400)],
  ['expiry null', expiring(null)],
  ['expiry null, not critical', expiring(null, false)],
  ['expiry in time', expiring('2048-01-01T00:00:00Z')],
  ['expiry in time, not critical', expiring('2048-01-01T00:00:00Z', false)],
  ['expiry past', expiring('2026-03-02T00:00:00Z')],
  ['expiry at the signing time', expiring('2026-03-01T12:00:00Z')],
  [
    'expiry before the signing time',
    (draft) => {
      expiring('2048-01-01T00:00:00Z')(draft);
      draft.protected[notary.signingTime] = '2048-06-01T00:00:00Z';
    },
  ],
  ...spellings.flatMap(([key, other]): Mutation[] => [
    [`${other} for ${key}`, inProtected(`"${key}":`, `"${other}":`)],
    [`${other} beside ${key}`, protectedIs(other, 'x')],
  ]),
  ['an expiry under another spelling', protectedIs('io.cncf.notary.Expiry', '2021-01-01T00:00:00Z')],
  ['an authentic signing time', protectedIs(notary.authenticSigningTime, '2026-03-01T12:00:00Z')],
  ['an authentic signing time of null', protectedIs(notary.authenticSigningTime, null)],
  [
    'an authentic signing time under another spelling',
    protectedIs('io.cncf.notary.authenticsigningtime', '2026-03-01T12:00:00Z'),
  ],
  ['a verification plugin, not critical', protectedIs(notary.verificationPlugin, 'nbex')],
  [
    'a verification plugin, critical',
    (draft) => {
      draft.protected[notary.verificationPlugin] = 'nbex';
      draft.protected.crit = [notary.scheme, notary.verificationPlugin];
    },
  ],
  ['a verification plugin of null', protectedIs(notary.verificationPlugin, null)],
  ['a verification plugin under another spelling', protectedIs('io.cncf.notary.verificationplugin', 'nbex')],
  ['a plugin version alone', protectedIs('io.cncf.notary.verificationPluginMinVersion', '1.0.0')],
  ['an unknown header', protectedIs('x', 1)],
  [
    'an unknown critical header',
    (draft) => {
      draft.protected.x = 1;
      draft.protected.crit = [notary.scheme, 'x'];
    },
  ],
  ['a critical header that is absent', protectedIs('crit', [notary.scheme, 'x'])],
  ['alg critical', protectedIs('crit', [notary.scheme, 'alg'])],
  ['crit twice', protectedIs('crit', [notary.scheme, notary.scheme])],
  ['crit empty', protectedIs('crit', [])],
  ['crit null', protectedIs('crit', null)],
  ['crit a string', protectedIs('crit', notary.scheme)],
  ['crit without the scheme', protectedIs('crit', [notary.signingTime])],
  ['scheme of the signing authority', protectedIs(notary.scheme, 'notary.x509.signingAuthority')],
  ['scheme in capitals', protectedIs(notary.scheme, 'notary.X509')],
  ['no scheme', protectedIs(notary.scheme, undefined)],
  ['another content type', protectedIs('cty', 'application/json')],
  ['no content type', protectedIs('cty', undefined)],
  ...['PS256', 'RS256', 'HS256', 'ES384', 'none', 'es256', ''].map((alg): Mutation => [
    `alg ${alg}`,
    protectedIs('alg', alg),
  ]),
  ['alg null', protectedIs('alg', null)],
  ['typ JWT', protectedIs('typ', 'JWT')],
  ['b64 false', protectedIs('b64', false)],
  ['a key twice in the protected header', inProtected('{', '{"alg":"PS256",')],
  ['a key twice in the payload', inPayload('{"targetArtifact"', '{"targetArtifact":{},"targetArtifact"')],
  ['a key twice in the envelope', inEnvelope('{"payload"', '{"payload":"e30","payload"')],
  ['something behind the protected header', (draft) => (draft.protectedText = (text) => `${text} {}`)],
  ['a byte order mark', (draft) => (draft.protectedText = (text) => `\uFEFF${text}`)],
  ['blanks around the protected header', (draft) => (draft.protectedText = (text) => ` ${text}\n`)],
  // The payload.
  ...sizes.map((size): Mutation => [`size ${size}`, inPayload('"size":955', `"size":${size}`)]),
  ['size under another spelling', inPayload('"size"', '"Size"')],
  ['size under a second spelling', inPayload('"size":955', '"size":955,"Size":1')],
  ['size with a long s', inPayload('"size"', '"ſize"')],
  ['digest under a second spelling', inPayload('"size":955', '"size":955,"DIGEST":"sha256:00"')],
  ['targetArtifact under another spelling', inPayload('targetArtifact', 'targetartifact')],
  ['targetArtifact with a Kelvin sign', inPayload('targetArtifact', 'tarGetArtifact')],
  ['an unknown payload member', (draft) => (draft.payload.other = 1)],
  ['annotations', targetIs('annotations', { a: 'b' })],
  ['annotations null', targetIs('annotations', null)],
  ['annotations that are no strings', targetIs('annotations', { a: 1 })],
  ['urls', targetIs('urls', ['https://x.test'])],
  ['urls that are no list', targetIs('urls', 'https://x.test')],
  ['an artifactType', targetIs('artifactType', 'a/b')],
  ['a platform', targetIs('platform', { os: 'linux', architecture: 'amd64' })],
  ['data', targetIs('data', 'e30=')],
  ['another digest', targetIs('digest', sha256('other'))],
  ['a digest in capitals', targetIs('digest', target.digest.toUpperCase())],
  ['another media type', targetIs('mediaType', mediaTypes.ociIndex)],
  ['another size', targetIs('size', 956)],
  ['no target', (draft) => (draft.payload = {})],
  ['a target list', (draft) => (draft.payload = { targetArtifact: [target] })],
  ['a payload that is no object', (draft) => (draft.payloadText = () => '[]')],
  ['an empty payload', (draft) => (draft.payloadText = () => '')],
  // The unprotected part.
  ['agent a number', (draft) => (draft.header[notary.signingAgent] = 7)],
  ['agent an object', (draft) => (draft.header[notary.signingAgent] = {})],
  ['agent null', (draft) => (draft.header[notary.signingAgent] = null)],
  ['no agent', (draft) => (draft.header = {})],
  ['agent under another spelling, a number', (draft) => (draft.header['io.cncf.notary.signingagent'] = 7)],
  ['a timestamp that is no base64', (draft) => (draft.header[notary.timestamp] = '!')],
  ['a timestamp that is a number', (draft) => (draft.header[notary.timestamp] = 7)],
  ['a timestamp', (draft) => (draft.header[notary.timestamp] = 'AAAA')],
  ['an unknown unprotected header', (draft) => (draft.header.other = [1])],
  ['an unknown envelope member', inEnvelope('{"payload"', '{"other":1,"payload"')],
  ['signatures as well', inEnvelope('{"payload"', '{"signatures":[],"payload"')],
  ['payload in capitals', inEnvelope('"payload"', '"PAYLOAD"')],
  ['header in capitals', inEnvelope('"header"', '"Header"')],
  ['x5c in capitals', inEnvelope('"x5c"', '"X5C"')],
  ['signature with a long s', inEnvelope('"signature"', '"ſignature"')],
  [
    'padding behind the signature',
    (draft) => (draft.envelopeText = (text) => text.replace(/"signature":"([^"]*)"/, '"signature":"$1=="')),
  ],
  [
    'another signature',
    (draft) =>
      (draft.signature = (signature) =>
        Buffer.concat([signature.subarray(0, 63), Buffer.from([signature[63]! ^ 1])])),
  ],
  ['an empty signature', (draft) => (draft.signature = () => Buffer.alloc(0))],
  ['a signature in DER', (draft) => (draft.signature = () => hex('3006020101020101'))],
  ['a longer signature', (draft) => (draft.signature = (signature) => Buffer.concat([signature, hex('00')]))],
];
