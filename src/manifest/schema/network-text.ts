import { isIP } from 'node:net';

/** `10.1.0.5`, `10.1.0.5:8443`, `fd00::5`, `[fd00::5]:8443`. */
export function isConnectTarget(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port < 1 || port > 65_535) return false;
  return match[1] === undefined ? isIP(match[2] ?? '') === 4 : isIP(match[1]) === 6;
}

/** Credentials do not belong into a manifest, hence none in the URL. */
export function isProxyUrl(text: string): boolean {
  const url = URL.parse(text);
  if (!url || !['http:', 'https:'].includes(url.protocol)) return false;
  return (
    !url.username && !url.password && url.pathname === '/' && !url.search && !url.hash && !text.includes('@')
  );
}
