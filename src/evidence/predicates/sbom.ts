import * as z from 'zod';
import { parseStrictJson } from '../../json/strict.ts';
import { malformed } from '../check.ts';
import { maxBundleBytes } from '../sigstore-bundle.ts';

const bomSchema = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.string().regex(/^1\.\d+$/),
});

/** The predicate of `https://cyclonedx.org/bom` is the BOM itself. @throws CONTENT_INVALID */
export const sbomPredicate = (bom: Uint8Array, where = 'SBOM'): unknown =>
  checkBom(parseStrictJson(bom, { where, maxBytes: maxBundleBytes }), where);

/** @throws CONTENT_INVALID when the predicate is no CycloneDX document */
export function checkBom(predicate: unknown, where: string): unknown {
  if (!bomSchema.safeParse(predicate).success) malformed(where, 'not a CycloneDX document');
  return predicate;
}
