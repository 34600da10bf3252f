import { AmlpromoteError } from '../domain/errors.ts';
import { matchesGlob } from '../domain/names.ts';
import type { RouteKind, ZoneName, Zones } from '../manifest/zones.ts';

/** Names of the sensitive zone's workspaces that may use the repository, each once, in the order of the file. Empty = none. */
export function admittedWorkspaces(zones: Pick<Zones, 'zones'>, repository: string): readonly string[] {
  const rules = zones.zones.sensitive.admits.filter((rule) => matchesGlob(rule.repository, repository));
  return [...new Set(rules.flatMap((rule) => rule.workspaces))];
}

/**
 * The approved path, the first of the file unless one is asked for by name.
 * @throws ROUTE_NOT_APPROVED
 */
export function approvedRoute(
  zones: Pick<Zones, 'routes'>,
  from: ZoneName,
  to: ZoneName,
  wanted?: RouteKind,
): RouteKind {
  const approved = zones.routes
    .filter((route) => route.from === from && route.to === to)
    .map(({ via }) => via);
  const chosen = wanted === undefined ? approved[0] : approved.find((via) => via === wanted);
  if (chosen !== undefined) return chosen;
  const which = wanted === undefined ? 'no route' : `no route ${wanted}`;
  const list = approved.length > 0 ? ` (approved: ${approved.join(', ')})` : '';
  throw new AmlpromoteError('ROUTE_NOT_APPROVED', `${which} from ${from} to ${to} is approved${list}`, {
    nextSteps: [
      `Have the platform team approve it: routes: [ { from: ${from}, to: ${to}, via: … } ] in the zones manifest.`,
    ],
  });
}
