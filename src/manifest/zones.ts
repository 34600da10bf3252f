import { AmlpromoteError } from '../domain/errors.ts';
import { loadManifest } from './load.ts';
import type { ParsedZones } from './schema/zones.ts';

/** A zones manifest, validated, relative paths made absolute. `zones.*.access` is absent for a zone this side cannot reach. */
export type Zones = ParsedZones & {
  /** Absolute path of the manifest. */
  readonly file: string;
};

export type ZoneName = keyof Zones['zones'];
export type Zone = Zones['zones'][ZoneName];
export type Access = NonNullable<Zone['access']>;
export type RouteKind = Zones['routes'][number]['via'];

/** @throws MANIFEST_INVALID with every problem of the file at `file:line:column` */
export async function loadZones(file: string): Promise<Zones> {
  const { zonesSchema } = await import('./schema/zones.ts');
  const { value, path } = await loadManifest(file, { kind: 'Zones', schema: zonesSchema });
  return { ...value, file: path };
}

/** @throws USAGE when this side has no access to the zone: the step belongs on the other side */
export function accessOf(zones: Zones, name: ZoneName): Access {
  const { access } = zones.zones[name];
  if (access) return access;
  throw new AmlpromoteError(
    'USAGE',
    `${zones.file} has no access for the ${name} zone: this side cannot reach it`,
    {
      nextSteps: [
        `Run this step where the ${name} zone is reachable, with that side's zones manifest,`,
        `or write zones.${name}.access (tenant, identity) if this machine does have access.`,
      ],
    },
  );
}
