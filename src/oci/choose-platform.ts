import type { Platform } from '../domain/platform.ts';
import { normalizePlatform } from '../domain/platform.ts';

/**
 * How well an image of platform `offered` suits a machine of platform `wanted`: 0 is best, undefined is not at all. The order
 * is that of container runtimes (containerd/platforms, compare.go `Only`): the variant itself, then those below it, newest
 * first, for they run on the machine too. A variant *above* is never offered: amd64 without a variant is a machine that may
 * be of the first level. Runtimes also fall back to another architecture (386 for amd64, arm for arm64); whoever asks for
 * one here means it.
 */
export function rankPlatform(wanted: Platform, offered: Platform): number | undefined {
  if (wanted.os !== offered.os || wanted.architecture !== offered.architecture) return undefined;
  const steps = stepsBelow(normalizePlatform(wanted), normalizePlatform(offered));
  if (steps === undefined) return undefined;
  // `amd64` and `amd64/v1` are one platform: the spelling that was asked for comes first, else the one that says more.
  const isFirst = steps === 0 ? wanted.variant === offered.variant : offered.variant !== undefined;
  return 2 * steps + (isFirst ? 0 : 1);
}

function stepsBelow(wanted: Platform, offered: Platform): number | undefined {
  if (wanted.variant === offered.variant) return 0;
  const lowest = lowestLevels[wanted.architecture];
  if (lowest === undefined) return undefined;
  const [most, level] = [wanted, offered].map(({ variant = 'v1' }) => levelOf(variant));
  if (most === undefined || level === undefined || level < lowest || level > most) return undefined;
  return most - level;
}

/** Architectures whose variants are levels, each of which runs what the ones below it run. */
const lowestLevels: Readonly<Record<string, number>> = { amd64: 1, arm: 5 };

function levelOf(variant: string): number | undefined {
  const digits = /^v([1-9]\d?)$/.exec(variant)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
