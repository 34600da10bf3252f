import { AmlpromoteError } from '../domain/errors.ts';
import { loadManifest } from './load.ts';
import { placeholderIn } from './placeholders.ts';
import type { KeyPath } from './problem.ts';
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
  const { value, path } = await loadManifest(file, {
    kind: 'Zones',
    schema: zonesSchema,
    unmeant: leftPlaceholders,
  });
  return { ...value, file: path };
}

/** A starter manifest that nobody has filled in would be found out as a registry that is not there, after an hour. */
function leftPlaceholders({ zones }: ParsedZones): readonly { at: KeyPath; problem: string }[] {
  const found: { at: KeyPath; problem: string }[] = [];
  const visit = (value: unknown, at: KeyPath): void => {
    if (typeof value === 'object' && value !== null)
      for (const [key, child] of Object.entries(value)) visit(child, [...at, key]);
    const wanted = typeof value === 'string' ? placeholderIn(value) : undefined;
    if (wanted !== undefined) found.push({ at, problem: `is still the placeholder of init; put ${wanted}` });
  };
  visit(zones, ['zones']);
  return found;
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
