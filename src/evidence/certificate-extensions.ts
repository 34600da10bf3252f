import { childrenOfDer, bitsOfDer, contentOfDer, derTags, integerOfDer, invalidDer } from './der.ts';
import { booleanOfDer, isAscii, oidOfDer, readDer, readDerList } from './der.ts';
import type { DerElement } from './der.ts';

type Reader = (value: Buffer, critical: boolean, where: string) => void;

/**
 * Refuses an extension that Go's crypto/x509 cannot parse: it then refuses the whole certificate, critical or not. Extensions
 * that it does not know are opaque to everybody.
 * @throws CONTENT_INVALID
 */
export function requireReadableExtension(oid: string, critical: boolean, value: Buffer, where: string): void {
  readers[oid]?.(value, critical, `${where}, extension ${oid}`);
}

/** RFC 5280 §4.2.1.4 … §4.2.2.1, by object identifier. */
const readers: Readonly<Record<string, Reader>> = {
  // Subject key identifier.
  '2.5.29.14': (value, critical, where) => {
    mustNotBeCritical(critical, where);
    contentOfDer(readDer(value, where), derTags.octetString, where);
  },
  // Key usage.
  '2.5.29.15': (value, _critical, where) => {
    bitsOfDer(readDer(value, where), where);
  },
  // Subject alternative name.
  '2.5.29.17': (value, _critical, where) => {
    for (const name of sequence(value, where)) checkGeneralName(name, where);
  },
  // Basic constraints.
  '2.5.29.19': (value, _critical, where) => {
    const parts = [...sequence(value, where)];
    const isCa = parts[0]?.tag === derTags.boolean && booleanOfDer(parts.shift(), where);
    const [length, ...more] = parts;
    if (more.length > 0) invalidDer(where, 'malformed');
    if (!length) return;
    const most = integerOfDer(length, where);
    if (!isCa || most < 0n || most > 255n) invalidDer(where, 'its path length makes no sense');
  },
  // Name constraints and the constraints on policies: verifiers differ in what they enforce.
  '2.5.29.30': notSupported,
  '2.5.29.33': notSupported,
  '2.5.29.36': notSupported,
  '2.5.29.54': notSupported,
  // CRL distribution points.
  '2.5.29.31': (value, _critical, where) => {
    for (const point of sequence(value, where)) {
      const [name] = childrenOfDer(point, derTags.sequence, where);
      if (name?.tag === 0xa0) readDerList(contentOfDer(readDer(name.content, where), 0xa0, where), where);
    }
  },
  // Certificate policies.
  '2.5.29.32': (value, _critical, where) => {
    const oids = sequence(value, where).map((policy) =>
      oidOfDer(childrenOfDer(policy, derTags.sequence, where)[0], where),
    );
    if (new Set(oids).size !== oids.length) invalidDer(where, 'names a policy twice');
  },
  // Authority key identifier.
  '2.5.29.35': (value, critical, where) => {
    mustNotBeCritical(critical, where);
    sequence(value, where);
  },
  // Extended key usage.
  '2.5.29.37': (value, _critical, where) => {
    for (const purpose of sequence(value, where)) oidOfDer(purpose, where);
  },
  // Authority information access.
  '1.3.6.1.5.5.7.1.1': (value, critical, where) => {
    mustNotBeCritical(critical, where);
    for (const access of sequence(value, where))
      oidOfDer(childrenOfDer(access, derTags.sequence, where)[0], where);
  },
};

const sequence = (value: Buffer, where: string): readonly DerElement[] =>
  childrenOfDer(readDer(value, where), derTags.sequence, where);

function notSupported(_value: Buffer, _critical: boolean, where: string): void {
  invalidDer(where, 'constraints on names and policies are not supported');
}

/** RFC 5280 wants these never critical. */
function mustNotBeCritical(critical: boolean, where: string): void {
  if (critical) invalidDer(where, 'must not be critical');
}

/** RFC 5280 §4.2.1.6. URIs in the plain form only, for their parsers differ. */
function checkGeneralName({ tag, content }: DerElement, where: string): void {
  const text = content.toString('latin1');
  if ((tag === 0x81 || tag === 0x82 || tag === 0x86) && !isAscii(content))
    invalidDer(where, 'a name is not ASCII');
  if (tag === 0x86 && !/^[a-z][a-z0-9+.-]*:(?!\/\/[^a-z0-9])[\w/.~:@!$&'()*+,;=?#-]*$/i.test(text))
    invalidDer(where, 'a URI is not plain');
  if (tag === 0x87 && content.length !== 4 && content.length !== 16)
    invalidDer(where, 'an IP address is malformed');
}
