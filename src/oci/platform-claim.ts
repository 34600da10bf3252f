import type { Platform } from '../domain/platform.ts';
import { normalizePlatform } from '../domain/platform.ts';
import type { ImageConfig } from './image-config.ts';

/** `os/architecture` of an image config; undefined unless it names both. */
export const platformOfConfig = ({ os, architecture, variant }: ImageConfig): Platform | undefined =>
  os === undefined || architecture === undefined
    ? undefined
    : { os, architecture, ...(variant === undefined ? {} : { variant }) };

/**
 * Whether an index may list, as `claimed`, an image whose config says `config` (threat 10). Runtimes choose by the one and
 * run the other, so they must agree to the letter. What a config leaves out is not a contradiction: old builders write no
 * variant. A variant that only the config has is one, for the label offers the image to every machine.
 */
export function mayBeListedAs(
  claimed: Platform,
  config: Pick<ImageConfig, 'os' | 'architecture' | 'variant'>,
): boolean {
  if (config.os !== undefined && config.os !== claimed.os) return false;
  if (config.architecture !== undefined && config.architecture !== claimed.architecture) return false;
  if (config.variant === undefined) return true;
  const said = { os: claimed.os, architecture: claimed.architecture, variant: config.variant };
  return normalizePlatform(claimed).variant === normalizePlatform(said).variant;
}
