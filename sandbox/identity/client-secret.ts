import { randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { readOptional, writeFileAtomic } from '../store/files.ts';
import type { IdentityName } from '../topology.ts';

/** The side whose folder holds an identity's secret; the compute's identity has none. */
const sides: Readonly<Partial<Record<IdentityName, string>>> = {
  'outside-promoter': 'outside',
  'inside-promoter': 'inside',
};

const fileOf = (directory: string, side: string): string => join(directory, side, 'client-secret');

/** A client secret, for clients that sign in with nothing else; the file is the one place where it is kept. */
export function makeClientSecret(directory: string, side: 'outside' | 'inside'): void {
  const path = fileOf(directory, side);
  if (!readOptional(path)) writeFileAtomic(path, randomBytes(30).toString('base64url'), 0o600);
}

export function isClientSecret(directory: string, identity: IdentityName, given: string): boolean {
  const side = sides[identity];
  const known = side === undefined ? undefined : readOptional(fileOf(directory, side));
  if (known === undefined) return false;
  const bytes = Buffer.from(given);
  // An editor's newline at the end is not part of it.
  const expected = Buffer.from(known.toString('utf8').trim());
  return expected.length > 0 && bytes.length === expected.length && timingSafeEqual(bytes, expected);
}
