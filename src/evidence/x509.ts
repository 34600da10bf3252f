import type * as X509 from '@peculiar/x509';

/**
 * `@peculiar/x509`, loaded when the first certificate is read (100 ms that commands without signatures do not pay).
 * Its dependency injection does not start without the metadata polyfill.
 */
export async function loadX509(): Promise<typeof X509> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}
