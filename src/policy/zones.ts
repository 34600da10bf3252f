import { AmlpromoteError } from '../domain/errors.ts';
import { matchesGlob } from '../domain/names.ts';
import type { Zones } from '../manifest/zones.ts';

/** Names of the sensitive zone's workspaces that may use the repository, each once, in the order of the file. Empty = none. */
export function admittedWorkspaces(zones: Pick<Zones, 'zones'>, repository: string): readonly string[] {
  const rules = zones.zones.sensitive.admits.filter((rule) => matchesGlob(rule.repository, repository));
  return [...new Set(rules.flatMap((rule) => rule.workspaces))];
}

/**
 * What no workspace may use has no business in the sensitive zone.
 * @throws NOT_ADMITTED
 */
export function requireAdmittedRepository(zones: Pick<Zones, 'zones' | 'file'>, repository: string): void {
  if (admittedWorkspaces(zones, repository).length > 0) return;
  throw new AmlpromoteError('NOT_ADMITTED', `${zones.file} admits ${repository} to no workspace`, {
    nextSteps: ['Ask the platform team to name the repository under zones.sensitive.admits.'],
  });
}

/**
 * A release must come from the registry that the zones manifest calls non-sensitive: one answer for every command that takes a
 * release, on either side.
 * @throws ROUTE_NOT_APPROVED
 */
export function requireApprovedOrigin(
  zones: Pick<Zones, 'zones'>,
  from: { readonly registry: string },
): void {
  const { host } = zones.zones.nonsensitive.registry;
  if (from.registry === host) return;
  throw new AmlpromoteError(
    'ROUTE_NOT_APPROVED',
    `the release comes from ${from.registry}; only ${host} is approved`,
    {
      nextSteps: [
        'Release to the registry that the zones manifest names, or have the platform team approve the other one.',
      ],
    },
  );
}

/** The routes that this version has. */
const availableRoutes = ['acr-import', 'registry'] as const;
type AvailableRoute = (typeof availableRoutes)[number];

/**
 * The route to take: the first of the file's approved ones that this version has.
 * @throws ROUTE_NOT_APPROVED
 */
export function approvedRoute(zones: Pick<Zones, 'routes'>): AvailableRoute {
  const approved = zones.routes.map(({ via }) => via);
  for (const via of approved) {
    const available = availableRoutes.find((route) => route === via);
    if (available) return available;
  }
  const list = approved.length > 0 ? `only ${approved.join(', ')}, which this version does not have` : 'none';
  throw new AmlpromoteError(
    'ROUTE_NOT_APPROVED',
    `the zones manifest approves no usable route into the sensitive zone: ${list}`,
    {
      nextSteps: [
        `Have the platform team approve one: routes: [ { from: nonsensitive, to: sensitive, via: ${availableRoutes.join(' | ')} } ].`,
      ],
    },
  );
}
