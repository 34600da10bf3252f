import fc from 'fast-check';
import type { Platform } from '../../src/domain/platform.ts';

export interface PlatformQuestion {
  readonly wanted: Platform;
  readonly offered: readonly Platform[];
}

const variants = [undefined, 'v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7', 'v8', 'v9', '8', 'x'] as const;

const platform = fc
  .tuple(
    fc.constantFrom('amd64', 'amd64', 'arm', 'arm64', '386', 'ppc64le'),
    fc.constantFrom(...variants),
    fc.constantFrom('linux', 'linux', 'linux', 'windows'),
  )
  .map(([architecture, variant, os]): Platform => ({
    os,
    architecture,
    ...(variant === undefined ? {} : { variant }),
  }));

/** For `test/oracles/platforms`: a machine, and what an index lists. */
export const platformQuestion: fc.Arbitrary<PlatformQuestion> = fc.record({
  wanted: platform,
  offered: fc.array(platform, { minLength: 1, maxLength: 6 }),
});
