import {
  ecdsaWith,
  extension,
  generalizedTime,
  hex,
  keyUsage,
  nameOf,
  rsaWith,
  utcTime,
} from '../../support/certificate-writer.ts';
import type { CertificateParts } from '../../support/certificate-writer.ts';
import {
  common,
  keys,
  spki,
  rootName,
  issuingName,
  basic,
  caExtensions,
  leafExtensions,
  unrelated,
  leafIs,
} from './notation-draft.ts';
import type { Mutation, Draft } from './notation-draft.ts';

const withIssuing =
  (change: Partial<CertificateParts> = {}) =>
  (draft: Draft): void => {
    draft.issuing = {
      ...common,
      issuer: rootName,
      subject: issuingName,
      publicKey: spki(keys.issuing.publicKey),
      extensions: caExtensions,
      ...change,
    };
    draft.leaf = { ...draft.leaf, issuer: issuingName };
  };
const lone = (draft: Draft): void => {
  const subject = draft.leaf.subject;
  draft.leaf = { ...draft.leaf, issuer: subject };
  draft.leafIssuerKey = draft.leafKey;
  draft.chain = (chain) => chain.slice(0, 1);
  draft.anchors = (chain) => chain.slice(0, 1);
};

/** Of the certificate chain and of what a certificate says beside its name. */
export const chainMutations: readonly Mutation[] = [
  // The chain.
  ['no chain', (draft) => (draft.chain = () => [])],
  ['the leaf alone', (draft) => (draft.chain = (chain) => chain.slice(0, 1))],
  ['the chain upside down', (draft) => (draft.chain = (chain) => chain.toReversed())],
  ['the root twice', (draft) => (draft.chain = (chain) => [...chain, chain.at(-1)!])],
  ['the leaf twice', (draft) => (draft.chain = (chain) => [chain[0]!, ...chain])],
  ['a certificate of others behind the root', (draft) => (draft.chain = (chain) => [...chain, unrelated()])],
  [
    'a certificate of others before the root',
    (draft) => (draft.chain = (chain) => [chain[0]!, unrelated(), chain.at(-1)!]),
  ],
  ['junk behind the root', (draft) => (draft.chain = (chain) => [...chain, Buffer.from('junk')])],
  [
    'a byte behind the leaf',
    (draft) => (draft.chain = (chain) => [Buffer.concat([chain[0]!, hex('00')]), ...chain.slice(1)]),
  ],
  ['an issuing CA', withIssuing()],
  [
    'an issuing CA, anchor of the policy',
    (draft) => {
      withIssuing()(draft);
      draft.anchors = (chain) => [chain[1]!];
    },
  ],
  [
    'an issuing CA, anchor, with a root that has expired',
    (draft) => {
      withIssuing()(draft);
      draft.root = { ...draft.root, notAfter: utcTime('210101000000Z') };
      draft.anchors = (chain) => [chain[1]!];
    },
  ],
  [
    'an issuing CA, anchor, with a root that did not sign it',
    (draft) => {
      withIssuing()(draft);
      draft.anchors = (chain) => [chain[1]!];
      draft.root = { ...draft.root, publicKey: spki(keys.other.publicKey) };
      draft.rootIssuerKey = keys.other.privateKey;
      draft.chain = (chain) => chain;
    },
  ],
  [
    'an issuing CA, anchor, with a root that is no CA',
    (draft) => {
      withIssuing()(draft);
      draft.anchors = (chain) => [chain[1]!];
      draft.root = { ...draft.root, extensions: leafExtensions };
    },
  ],
  [
    'an issuing CA, anchor, without its root',
    (draft) => {
      withIssuing()(draft);
      draft.anchors = (chain) => [chain[1]!];
      draft.chain = (chain) => chain.slice(0, 2);
    },
  ],
  [
    'an issuing CA, anchor, with a root that others signed',
    (draft) => {
      withIssuing()(draft);
      draft.anchors = (chain) => [chain[1]!];
      draft.rootIssuerKey = keys.other.privateKey;
    },
  ],
  [
    'an issuing CA with path length 0',
    withIssuing({ extensions: [extension('2.5.29.19', true, basic(true, 0)), caExtensions[1]!] }),
  ],
  [
    'a root with path length 0 above an issuing CA',
    (draft) => {
      withIssuing()(draft);
      draft.root = {
        ...draft.root,
        extensions: [extension('2.5.29.19', true, basic(true, 0)), caExtensions[1]!],
      };
    },
  ],
  ['an issuing CA without basic constraints', withIssuing({ extensions: [caExtensions[1]!] })],
  [
    'an issuing CA that is none',
    withIssuing({ extensions: [extension('2.5.29.19', true, basic(false)), caExtensions[1]!] }),
  ],
  ['an issuing CA without key usage', withIssuing({ extensions: [caExtensions[0]!] })],
  [
    'an issuing CA that may sign CRLs only',
    withIssuing({ extensions: [caExtensions[0]!, extension('2.5.29.15', true, keyUsage(6))] }),
  ],
  [
    'an issuing CA whose key usage is not critical',
    withIssuing({ extensions: [caExtensions[0]!, extension('2.5.29.15', false, keyUsage(5))] }),
  ],
  ['an issuing CA that has expired', withIssuing({ notAfter: utcTime('210101000000Z') })],
  ['an issuing CA of version 1', withIssuing({ version: 1, extensions: [] })],
  [
    'an issuing CA with a name in capitals',
    (draft) => {
      withIssuing({ subject: nameOf([['C', 'JP', 0x13]], [['O', 'CONTOSO']], [['CN', 'issuing CA']]) })(
        draft,
      );
    },
  ],
  [
    'an issuer name of another string type',
    leafIs({ issuer: nameOf([['C', 'JP', 0x13]], [['O', 'Contoso', 0x13]], [['CN', 'release CA', 0x13]]) }),
  ],
  [
    'an issuer name in capitals',
    leafIs({ issuer: nameOf([['C', 'JP', 0x13]], [['O', 'CONTOSO']], [['CN', 'RELEASE CA']]) }),
  ],
  ['a root that others signed', (draft) => (draft.rootIssuerKey = keys.other.privateKey)],
  [
    'a root that has expired',
    (draft) => (draft.root = { ...draft.root, notAfter: utcTime('210101000000Z') }),
  ],
  ['a root without key usage', (draft) => (draft.root = { ...draft.root, extensions: [caExtensions[0]!] })],
  [
    'a root whose basic constraints are not critical',
    (draft) =>
      (draft.root = {
        ...draft.root,
        extensions: [extension('2.5.29.19', false, basic(true)), caExtensions[1]!],
      }),
  ],
  ['a root with two names', (draft) => (draft.root = { ...draft.root, issuer: issuingName })],
  ['a leaf that others signed', (draft) => (draft.leafIssuerKey = keys.other.privateKey)],
  ['a leaf that stands for itself', lone],
  [
    'a leaf that stands for itself, with its CA as anchor too',
    (draft) => {
      lone(draft);
      draft.anchors = (chain) => [chain[0]!, unrelated()];
    },
  ],
  [
    'a self-signed leaf with a root behind it',
    (draft) => {
      lone(draft);
      draft.chain = (chain) => chain;
      draft.anchors = (chain) => chain.slice(0, 1);
    },
  ],
  ['a leaf that is the anchor', (draft) => (draft.anchors = (chain) => chain.slice(0, 1))],
  ['a leaf that is an anchor beside its CA', (draft) => (draft.anchors = (chain) => chain)],
  ['an anchor of others', (draft) => (draft.anchors = () => [unrelated()])],
  ['a leaf that has expired', leafIs({ notAfter: utcTime('260302000000Z') })],
  ['a leaf that is not valid yet', leafIs({ notBefore: utcTime('480101000000Z') })],
  ['a leaf of version 1', leafIs({ version: 1, extensions: [] })],
  ['a leaf of version 2', leafIs({ version: 2 })],
  ['a leaf of version 4', leafIs({ version: 4 })],
  ['a negative serial number', leafIs({ serial: hex('ff') })],
  ['a serial number of 0', leafIs({ serial: hex('00') })],
  ['a serial number that is not minimal', leafIs({ serial: hex('0001') })],
  [
    'a leaf signed with SHA-1',
    leafIs({ hash: 'sha1', innerAlgorithm: ecdsaWith.sha1, outerAlgorithm: ecdsaWith.sha1 }),
  ],
  ['two signature algorithms', leafIs({ outerAlgorithm: rsaWith.sha256 })],
  [
    'a signature algorithm with NULL parameters',
    leafIs({
      innerAlgorithm: hex('300c06082a8648ce3d0403020500'),
      outerAlgorithm: hex('300c06082a8648ce3d0403020500'),
    }),
  ],
  ['a time with an offset', leafIs({ notBefore: utcTime('200101000000+0900') })],
  ['a time without seconds', leafIs({ notBefore: utcTime('2001010000Z') })],
  ['a generalized time', leafIs({ notAfter: generalizedTime('20991231235959Z') })],
  ['a generalized time with fractions', leafIs({ notAfter: generalizedTime('20991231235959.5Z') })],
  ['30 February in a certificate', leafIs({ notBefore: utcTime('200230000000Z') })],
  ['24:00 in a certificate', leafIs({ notBefore: utcTime('200101240000Z') })],
  ['something behind the extensions', leafIs({ more: hex('0500') })],
];
