/**
 * What the starter manifest of `init` has where a team must put its own. No registry can be called so (Azure Container
 * Registry takes letters and digits only), and no subscription or tenant has the id of zeros.
 */
export const placeholders = {
  id: '00000000-0000-0000-0000-000000000000',
  nonsensitiveRegistry: 'your-dev-registry',
  sensitiveRegistry: 'your-sealed-registry',
} as const;

/** What to put in place of the placeholder that a value has; undefined where it has none. */
export function placeholderIn(value: string): string | undefined {
  const text = value.toLowerCase();
  if ([placeholders.nonsensitiveRegistry, placeholders.sensitiveRegistry].some((name) => text.includes(name)))
    return text.startsWith('/')
      ? 'the ARM id of your registry (az acr show --query id)'
      : 'the login server of your registry (az acr show --query loginServer)';
  if (!text.includes(placeholders.id)) return undefined;
  if (!text.startsWith('/')) return 'the id or domain of your tenant (az account show --query tenantId)';
  return text.includes('/workspaces/')
    ? 'the ARM id of your workspace (az ml workspace show --query id)'
    : 'the ARM id of your registry (az acr show --query id)';
}
