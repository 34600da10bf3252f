import { AmlpromoteError } from '../domain/errors.ts';

/** One element of a DER encoding (X.690). */
export interface DerElement {
  /** The identifier octet: class, constructed bit and number. Numbers above 30 are not read. */
  readonly tag: number;
  /** Identifier, length and content. */
  readonly raw: Buffer;
  readonly content: Buffer;
}

/** Identifier octets of what certificates are made of. */
export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** @throws CONTENT_INVALID for anything but DER: two parsers must not read one certificate in two ways */
export function invalidDer(where: string, why: string): never {
  throw new AmlpromoteError('CONTENT_INVALID', `${where}: ${why}`);
}

/**
 * Exactly one element, with a length in its only form (X.690 §10.1: definite and minimal).
 * @throws CONTENT_INVALID
 */
export function readDer(bytes: Buffer, where: string): DerElement {
  const [element, ...more] = readDerList(bytes, where);
  if (!element || more.length > 0) invalidDer(where, 'not exactly one DER element');
  return element;
}

/** The elements that `bytes` consists of, without a rest. @throws CONTENT_INVALID */
export function readDerList(bytes: Buffer, where: string): readonly DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length;) {
    const { header, length } = readHeader(bytes, at, where);
    const end = at + header + length;
    if (end > bytes.length) invalidDer(where, 'a DER element is longer than what holds it');
    elements.push({
      tag: bytes[at] ?? 0,
      raw: bytes.subarray(at, end),
      content: bytes.subarray(at + header, end),
    });
    at = end;
  }
  return elements;
}

function readHeader(
  bytes: Buffer,
  at: number,
  where: string,
): { readonly header: number; readonly length: number } {
  const [tag = 0, first = 0x80] = bytes.subarray(at, at + 2);
  if ((tag & 0x1f) === 0x1f) invalidDer(where, 'a DER tag of several octets is not supported');
  if (first < 0x80) return { header: 2, length: first };
  const count = first & 0x7f;
  const octets = bytes.subarray(at + 2, at + 2 + count);
  if (count === 0 || count > 4 || octets.length < count)
    invalidDer(where, 'a DER length is indefinite or cut off');
  const length = octets.readUIntBE(0, count);
  if (length < 0x80 || octets[0] === 0) invalidDer(where, 'a DER length is not minimal');
  return { header: 2 + count, length };
}

/** The elements inside one of the wanted tag. @throws CONTENT_INVALID */
export function childrenOfDer(
  element: DerElement | undefined,
  tag: number,
  where: string,
): readonly DerElement[] {
  return readDerList(contentOfDer(element, tag, where), where);
}

/** @throws CONTENT_INVALID when the element is missing or of another tag */
export function contentOfDer(element: DerElement | undefined, tag: number, where: string): Buffer {
  if (element?.tag !== tag) return invalidDer(where, 'a DER element is missing or of another type');
  return element.content;
}

/** Dotted text; every arc minimal (X.690 §8.19). @throws CONTENT_INVALID */
export function oidOfDer(element: DerElement | undefined, where: string): string {
  const content = contentOfDer(element, derTags.oid, where);
  const arcs: number[] = [];
  let arc = 0;
  let fresh = true;
  for (const octet of content) {
    if (fresh && octet === 0x80) invalidDer(where, 'an object identifier is not minimal');
    arc = arc * 128 + (octet & 0x7f);
    if (arc > 0x7fffffff) invalidDer(where, 'an object identifier is too large');
    fresh = octet < 0x80;
    if (!fresh) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [head, ...rest] = arcs;
  if (head === undefined || !fresh) return invalidDer(where, 'an object identifier is cut off');
  const root = Math.min(2, Math.floor(head / 40));
  return [root, head - root * 40, ...rest].join('.');
}

/** Minimal two's complement (X.690 §8.3). @throws CONTENT_INVALID */
export function integerOfDer(element: DerElement | undefined, where: string): bigint {
  const content = contentOfDer(element, derTags.integer, where);
  const [first = 0, second = 0] = content;
  const padded = content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (content.length === 0 || padded) invalidDer(where, 'an integer is not minimal');
  return BigInt.asIntN(content.length * 8, BigInt(`0x${content.toString('hex')}`));
}

/** X.690 §11.1: false is 00, true is FF. @throws CONTENT_INVALID */
export function booleanOfDer(element: DerElement | undefined, where: string): boolean {
  const content = contentOfDer(element, derTags.boolean, where);
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff))
    invalidDer(where, 'a boolean is neither 00 nor FF');
  return content[0] === 0xff;
}

/** The octets of a bit string and how many of its last bits are unused, which must be zero. @throws CONTENT_INVALID */
export function bitsOfDer(
  element: DerElement | undefined,
  where: string,
): { readonly bytes: Buffer; readonly unused: number } {
  const content = contentOfDer(element, derTags.bitString, where);
  const unused = content[0] ?? 8;
  const bytes = content.subarray(1);
  const padding = (1 << unused) - 1;
  if (unused > 7 || (bytes.length === 0 && unused > 0) || ((bytes.at(-1) ?? 0) & padding) !== 0)
    invalidDer(where, 'a bit string is malformed');
  return { bytes, unused };
}

/** The octets that IA5String has (RFC 5280, appendix A). */
export const isAscii = (content: Buffer): boolean => content.every((octet) => octet < 0x80);
