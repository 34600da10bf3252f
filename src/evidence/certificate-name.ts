import type { DerElement } from './der.ts';
import { childrenOfDer, derTags, invalidDer, isAscii, oidOfDer, readDer } from './der.ts';
import type { NameAttribute } from './distinguished-name.ts';

/** Attribute types that Go's crypto/x509 prints by name (RFC 4514 §3 and two more); every other one stays an OID. */
const shortNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.5': 'SERIALNUMBER',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.17': 'POSTALCODE',
};

/**
 * The attributes of an X.501 Name, as Go's crypto/x509 reads them: it refuses string types and characters that others accept,
 * and a name that only some verifiers can read is no name to trust by.
 * @throws CONTENT_INVALID
 */
export function readName(der: Buffer, where: string): readonly NameAttribute[] {
  return childrenOfDer(readDer(der, where), derTags.sequence, where).flatMap((rdn) =>
    childrenOfDer(rdn, derTags.set, where).map((attribute) => {
      const [type, value, ...more] = childrenOfDer(attribute, derTags.sequence, where);
      if (!value || more.length > 0) invalidDer(where, 'a name attribute is malformed');
      const oid = oidOfDer(type, where);
      return { type: shortNames[oid] ?? oid, value: textOf(value, where) };
    }),
  );
}

const printable = /^[A-Za-z0-9 '()*+,\-./:=?&]*$/;

function textOf({ tag, content }: DerElement, where: string): string {
  switch (tag) {
    case derTags.utf8String:
      return decodeUtf8(content, where);
    case derTags.printableString:
      return matching(printable, content.toString('latin1'), where);
    case derTags.ia5String:
      if (!isAscii(content)) invalidDer(where, 'a name holds characters that its string type does not have');
      return content.toString('latin1');
    case derTags.numericString:
      return matching(/^[0-9 ]*$/, content.toString('latin1'), where);
    case derTags.t61String:
      return content.toString('latin1');
    case derTags.bmpString:
      return decodeUcs2(content, where);
    default:
      return invalidDer(where, 'a name holds a string type that verifiers do not read');
  }
}

function matching(pattern: RegExp, text: string, where: string): string {
  if (!pattern.test(text)) invalidDer(where, 'a name holds characters that its string type does not have');
  return text;
}

function decodeUtf8(content: Buffer, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return invalidDer(where, 'a name is not valid UTF-8');
  }
}

/** UCS-2: no surrogates, no noncharacters; a final NUL is cut off. */
function decodeUcs2(content: Buffer, where: string): string {
  if (content.length % 2 !== 0) invalidDer(where, 'a name is not valid UCS-2');
  const text = Buffer.from(content).swap16().toString('utf16le').replace(/\0$/, '');
  if (/[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]/.test(text)) invalidDer(where, 'a name is not valid UCS-2');
  return text;
}
