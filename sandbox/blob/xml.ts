import { randomUUID } from 'node:crypto';
import type { SandboxResponse } from '../http.ts';
import { ResponseError } from '../http.ts';

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Text for an element or attribute. Control characters never get here: names with them are refused on writing. */
export const escapeXml = (text: string): string => text.replace(/[&<>"']/g, (char) => escapes[char] ?? char);

/** `<name>text</name>`; without a text `<name />`. */
export const element = (name: string, text: string | undefined): string =>
  text === undefined || text === '' ? `<${name} />` : `<${name}>${escapeXml(text)}</${name}>`;

/** A document of the Blob service: UTF-8 with a declaration. */
export const xmlResponse = (
  status: number,
  body: string,
  headers: Record<string, string> = {},
): SandboxResponse => ({
  status,
  headers: { 'content-type': 'application/xml', ...headers },
  body: `<?xml version="1.0" encoding="utf-8"?>${body}`,
});

/** The Blob service's error: code in a header and in the body ("Status and error codes"). */
export function blobError(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): ResponseError {
  const text = `${message}\nRequestId:${randomUUID()}\nTime:${new Date().toISOString()}`;
  const body = `<Error>${element('Code', code)}${element('Message', text)}</Error>`;
  const response = xmlResponse(status, body, { 'x-ms-error-code': code, ...headers });
  return new ResponseError(response, `${code}: ${message}`);
}
