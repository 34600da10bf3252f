import type { KeyObject } from 'node:crypto';
import { childrenOfDer, readDer } from '../../../src/evidence/der.ts';
import { extension, hex, keyUsage, oid, sequence, tlv } from '../../support/certificate-writer.ts';
import { keys, spki, basic, leafExtensions, leafIs } from './notation-draft.ts';
import type { Mutation, Draft } from './notation-draft.ts';

const leafExtension =
  (value: Buffer) =>
  (draft: Draft): void => {
    draft.leaf = { ...draft.leaf, extensions: [...draft.leaf.extensions, value] };
  };
const leafExtensionsAre = (...extensions: readonly Buffer[]) => leafIs({ extensions });
const signedBy =
  (pair: { publicKey: KeyObject; privateKey: KeyObject }, alg: string) =>
  (draft: Draft): void => {
    draft.leaf = { ...draft.leaf, publicKey: spki(pair.publicKey) };
    draft.leafKey = pair.privateKey;
    draft.protected.alg = alg;
  };
const usages: readonly (readonly [string, Buffer, boolean])[] = [
  ['digitalSignature, not critical', keyUsage(0), false],
  ['digitalSignature and nonRepudiation', keyUsage(0, 1), true],
  ['keyEncipherment as well', keyUsage(0, 2), true],
  ['dataEncipherment as well', keyUsage(0, 3), true],
  ['keyAgreement as well', keyUsage(0, 4), true],
  ['keyCertSign as well', keyUsage(0, 5), true],
  ['cRLSign as well', keyUsage(0, 6), true],
  ['encipherOnly as well', keyUsage(0, 7), true],
  ['decipherOnly as well', keyUsage(0, 8), true],
  ['keyCertSign alone', keyUsage(5), true],
  ['no bit', hex('030100'), true],
  ['an unused bit that is set', hex('030206ff'), true],
];
const purposes: readonly (readonly [string, string[]])[] = [
  ['serverAuth as well', ['1.3.6.1.5.5.7.3.3', '1.3.6.1.5.5.7.3.1']],
  ['clientAuth alone', ['1.3.6.1.5.5.7.3.2']],
  ['emailProtection alone', ['1.3.6.1.5.5.7.3.4']],
  ['timeStamping as well', ['1.3.6.1.5.5.7.3.3', '1.3.6.1.5.5.7.3.8']],
  ['OCSPSigning as well', ['1.3.6.1.5.5.7.3.3', '1.3.6.1.5.5.7.3.9']],
  ['an unknown one as well', ['1.3.6.1.5.5.7.3.3', '1.2.3.4']],
  ['an unknown one alone', ['1.2.3.4']],
  ['any', ['2.5.29.37.0']],
  ['none', []],
];
const [basicOfLeaf, usageOfLeaf, purposeOfLeaf] = leafExtensions as [Buffer, Buffer, Buffer];

/** Extensions beside the usual three. */
const extensions: readonly (readonly [string, Buffer])[] = [
  ['an unknown one', extension('1.2.3.4', false, hex('0500'))],
  ['an unknown critical one', extension('1.2.3.4', true, hex('0500'))],
  ['a critical subject key identifier', extension('2.5.29.14', true, tlv(0x04, hex('aa')))],
  ['a subject key identifier', extension('2.5.29.14', false, tlv(0x04, hex('aa')))],
  ['a malformed subject key identifier', extension('2.5.29.14', false, hex('aabb'))],
  ['a critical authority key identifier', extension('2.5.29.35', true, sequence())],
  ['a malformed authority key identifier', extension('2.5.29.35', false, hex('04'))],
  [
    'an alternative name',
    extension(
      '2.5.29.17',
      false,
      sequence(
        tlv(0x82, 'a.test'),
        tlv(0x81, 'a@b.test'),
        tlv(0x86, 'spiffe://a.test/b'),
        tlv(0x87, hex('7f000001')),
      ),
    ),
  ],
  [
    'an alternative name with a bad address',
    extension('2.5.29.17', false, sequence(tlv(0x87, hex('7f0001')))),
  ],
  [
    'an alternative name with a bad URI',
    extension('2.5.29.17', false, sequence(tlv(0x86, 'http://[::1'), tlv(0x86, '%zz'))),
  ],
  ['an alternative name that is not ASCII', extension('2.5.29.17', false, sequence(tlv(0x82, 'ä.test')))],
  ['a malformed alternative name', extension('2.5.29.17', false, hex('3005'))],
  ['name constraints', extension('2.5.29.30', true, sequence(tlv(0xa0, sequence(tlv(0x82, 'a.test')))))],
  ['malformed name constraints', extension('2.5.29.30', false, hex('3000'))],
  ['policies', extension('2.5.29.32', false, sequence(sequence(oid('1.2.3.4'))))],
  [
    'the same policy twice',
    extension('2.5.29.32', false, sequence(sequence(oid('1.2.3.4')), sequence(oid('1.2.3.4')))),
  ],
  ['malformed policies', extension('2.5.29.32', false, hex('3003020101'))],
  ['malformed policy constraints', extension('2.5.29.36', false, hex('0500'))],
  ['malformed policy mappings', extension('2.5.29.33', false, hex('30020500'))],
  ['malformed inhibitAnyPolicy', extension('2.5.29.54', false, hex('0500'))],
  ['critical information access', extension('1.3.6.1.5.5.7.1.1', true, sequence())],
  ['malformed information access', extension('1.3.6.1.5.5.7.1.1', false, hex('30020500'))],
  ['malformed CRL addresses', extension('2.5.29.31', false, hex('30020500'))],
  ['a critical flag that is 01', sequence(oid('1.2.3.4'), hex('010101'), tlv(0x04, hex('0500')))],
  ['the same key usage again', usageOfLeaf],
];

/** Of the leaf: its extensions and its key. */
export const leafMutations: readonly Mutation[] = [
  // Leaf extensions.
  ...usages.map(([title, value, critical]): Mutation => [
    `key usage: ${title}`,
    leafExtensionsAre(basicOfLeaf, extension('2.5.29.15', critical, value), purposeOfLeaf),
  ]),
  ...purposes.map(([title, ids]): Mutation => [
    `purposes: ${title}`,
    leafExtensionsAre(basicOfLeaf, usageOfLeaf, extension('2.5.29.37', false, sequence(...ids.map(oid)))),
  ]),
  ...extensions.map(([title, value]): Mutation => [`extension: ${title}`, leafExtension(value)]),
  ['no extensions', leafExtensionsAre()],
  ['no key usage', leafExtensionsAre(basicOfLeaf, purposeOfLeaf)],
  ['no basic constraints', leafExtensionsAre(usageOfLeaf, purposeOfLeaf)],
  ['no purposes', leafExtensionsAre(basicOfLeaf, usageOfLeaf)],
  [
    'a leaf that is a CA',
    leafExtensionsAre(extension('2.5.29.19', true, basic(true)), usageOfLeaf, purposeOfLeaf),
  ],
  [
    'a leaf with a path length',
    leafExtensionsAre(extension('2.5.29.19', true, basic(false, 0)), usageOfLeaf, purposeOfLeaf),
  ],
  [
    'basic constraints with false written out',
    leafExtensionsAre(extension('2.5.29.19', true, sequence(hex('010100'))), usageOfLeaf, purposeOfLeaf),
  ],
  [
    'basic constraints with a boolean of 01',
    leafExtensionsAre(extension('2.5.29.19', true, sequence(hex('010101'))), usageOfLeaf, purposeOfLeaf),
  ],
  // Keys.
  ['P-384', signedBy(keys.p384, 'ES384')],
  ['P-521', signedBy(keys.p521, 'ES512')],
  ['P-224', signedBy(keys.p224, 'ES256')],
  ['secp256k1', signedBy(keys.k256, 'ES256')],
  ['Ed25519', signedBy(keys.ed, 'EdDSA')],
  ['P-384 that says ES256', signedBy(keys.p384, 'ES256')],
  ['RSA 2048', signedBy(keys.rsa2048, 'PS256')],
  ['RSA 2048 that says RS256', signedBy(keys.rsa2048, 'RS256')],
  ['RSA 2048 that says PS384', signedBy(keys.rsa2048, 'PS384')],
  ['RSA 3072', signedBy(keys.rsa3072, 'PS384')],
  ['RSA 2560', signedBy(keys.rsa2560, 'PS256')],
  ['RSA 1024', signedBy(keys.rsa1024, 'PS256')],
  [
    'RSA without NULL',
    (draft) => {
      signedBy(keys.rsa2048, 'PS256')(draft);
      const [, bits] = childrenOfDer(readDer(spki(keys.rsa2048.publicKey), 'key'), 0x30, 'key');
      draft.leaf = { ...draft.leaf, publicKey: sequence(sequence(oid('1.2.840.113549.1.1.1')), bits!.raw) };
    },
  ],
  [
    'a compressed point',
    (draft) => {
      const whole = spki(keys.leaf.publicKey);
      const point = whole.subarray(-64);
      const compressed = Buffer.concat([Buffer.from([2 + (point[63]! & 1)]), point.subarray(0, 32)]);
      draft.leaf = {
        ...draft.leaf,
        publicKey: sequence(
          hex('301306072a8648ce3d020106082a8648ce3d030107'),
          tlv(0x03, hex('00'), compressed),
        ),
      };
    },
  ],
];
