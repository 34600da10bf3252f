import type { JsonObject } from './body.ts';
import { objectAt, objectMapAt } from './body.ts';

/**
 * The properties of a job without what a GET adds and nobody declared: a client that changes a tag sends everything back
 * that it was shown, and that declares nothing. (`outputs.default` is `declaredOutputs`' affair.)
 * @throws 400 UserError for members that are no objects
 */
export function withoutShown(properties: JsonObject): JsonObject {
  const { services, queueSettings, ...rest } = properties;
  const own = services ? declaredServices(properties) : {};
  return {
    ...rest,
    ...(Object.keys(own).length > 0 && { services: own }),
    ...(queueSettings && !isNoTier(properties) ? { queueSettings } : {}),
  };
}

/** The two services that every job has; their addresses are the service's own. */
function declaredServices(properties: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(objectMapAt(properties, 'services')).filter(
      ([name, { jobServiceType }]) =>
        !((name === 'Tracking' || name === 'Studio') && jobServiceType === name),
    ),
  );
}

/** "Null" is the service's word for no tier. */
function isNoTier(properties: JsonObject): boolean {
  const { jobTier, ...others } = objectAt(properties, 'queueSettings');
  return jobTier === 'Null' && Object.values(others).every((value) => value === null);
}
