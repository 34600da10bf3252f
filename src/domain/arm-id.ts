import { AmlpromoteError } from './errors.ts';

/** An Azure Resource Manager id of a resource in a resource group. Compare ids with `sameArmId`: ARM ignores case. */
export interface ArmId {
  readonly subscription: string;
  readonly resourceGroup: string;
  /** Namespace, e.g. `Microsoft.ContainerRegistry`. */
  readonly provider: string;
  /** e.g. `registries`; of a nested resource `workspaces/computes`. */
  readonly type: string;
  /** The last name: of `…/workspaces/ml-risk/computes/cpu` it is `cpu`. */
  readonly name: string;
  /** All names, outermost first; `name` is the last. */
  readonly names: readonly string[];
}

const pattern =
  /^\/subscriptions\/([A-Za-z0-9-]{1,64})\/resourceGroups\/([\w.()-]{1,90})\/providers\/([A-Za-z][A-Za-z0-9.]{0,99})((?:\/[A-Za-z][A-Za-z0-9]{0,99}\/[A-Za-z0-9_][\w.-]{0,254})+)$/i;

/** undefined when the text is not of the form `/subscriptions/…/resourceGroups/…/providers/NAMESPACE(/TYPE/NAME)+`. */
export function tryParseArmId(text: string): ArmId | undefined {
  const match = pattern.exec(text);
  const [, subscription, resourceGroup, provider, rest] = match ?? [];
  if (!subscription || !resourceGroup || !provider || !rest || /^\.+$/.test(resourceGroup)) return undefined;
  const segments = rest.slice(1).split('/');
  const names = segments.filter((_, index) => index % 2 === 1);
  const name = names.at(-1);
  if (name === undefined) return undefined;
  const type = segments.filter((_, index) => index % 2 === 0).join('/');
  return { subscription, resourceGroup, provider, type, name, names };
}

/** @throws CONTENT_INVALID for anything else: an id ends up in request paths. */
export function parseArmId(text: string, where = 'ARM id'): ArmId {
  const id = tryParseArmId(text);
  if (id) return id;
  throw new AmlpromoteError(
    'CONTENT_INVALID',
    `${where}: ${JSON.stringify(text.slice(0, 300))} is not of the form ` +
      '/subscriptions/…/resourceGroups/…/providers/NAMESPACE/TYPE/NAME',
  );
}

export function formatArmId(id: Omit<ArmId, 'name'>): string {
  const pairs = id.type.split('/').map((type, index) => `/${type}/${id.names[index] ?? ''}`);
  return `/subscriptions/${id.subscription}/resourceGroups/${id.resourceGroup}/providers/${id.provider}${pairs.join('')}`;
}

/** The id of a resource within this one, e.g. a workspace's `environments`. */
export const childArmId = (id: ArmId, type: string, name: string): ArmId => ({
  ...id,
  type: `${id.type}/${type}`,
  name,
  names: [...id.names, name],
});

/** ARM compares ids without regard to case. */
export const sameArmId = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
