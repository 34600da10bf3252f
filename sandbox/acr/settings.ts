import { join } from 'node:path';
import { readJson, writeJson } from '../store/files.ts';

/** What one registry can be told to do differently; `state/registries/NAME/settings.json`, read at every request. */
export interface RegistrySettings {
  /** False: the referrers API answers 404 and PUT sends no `OCI-Subject`, as with customer-managed keys: clients use the tag schema. */
  readonly referrersApi: boolean;
  /** Entries per page of every list. */
  readonly pageSize: number;
  /** Seconds; what long-running operations send as `Retry-After`. Azure says 10. */
  readonly operationRetryAfter: number;
  /** `disabled` forbids importing *from* this registry. */
  readonly exportPolicy: 'enabled' | 'disabled';
}

export const defaultSettings: RegistrySettings = {
  referrersApi: true,
  pageSize: 100,
  operationRetryAfter: 1,
  exportPolicy: 'enabled',
};

const fileOf = (registryDirectory: string): string => join(registryDirectory, 'settings.json');

export const readSettings = (
  registryDirectory: string,
  defaults: RegistrySettings = defaultSettings,
): RegistrySettings => ({
  ...defaults,
  ...(readJson(fileOf(registryDirectory)) as Partial<RegistrySettings> | undefined),
});

export const changeSettings = (registryDirectory: string, change: Partial<RegistrySettings>): void => {
  const before = readJson(fileOf(registryDirectory)) as Partial<RegistrySettings> | undefined;
  writeJson(fileOf(registryDirectory), { ...before, ...change });
};
