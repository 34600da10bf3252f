import { BlockList, isIP } from 'node:net';

/** Decides whether a host is reached without the proxy. Loopback always is. */
export type ProxyBypass = (host: string, port: number) => boolean;

/**
 * NO_PROXY as curl and Go read it: comma-separated host names (each covers its subdomains, a leading dot or `*.` is allowed),
 * `host:port`, addresses, CIDR blocks; `*` switches the proxy off.
 */
export function createProxyBypass(noProxy = ''): ProxyBypass {
  const entries = noProxy
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map((entry) => entry.toLowerCase());
  const blocks = new BlockList();
  blocks.addSubnet('127.0.0.0', 8, 'ipv4');
  blocks.addAddress('::1', 'ipv6');
  for (const entry of entries) addBlock(blocks, entry);
  const everything = entries.includes('*');
  return (host, port) => {
    const name = host.toLowerCase().replace(/^\[|\]$/g, '');
    const family = isIP(name);
    if (everything || name === 'localhost') return true;
    if (family !== 0) return blocks.check(name, family === 6 ? 'ipv6' : 'ipv4');
    return entries.some((entry) => matchesName(entry, name, port));
  };
}

function matchesName(entry: string, name: string, port: number): boolean {
  const [suffix = '', entryPort] = entry.replace(/^\*?\./, '').split(':');
  if (suffix === '' || (entryPort !== undefined && Number(entryPort) !== port)) return false;
  return name === suffix || name.endsWith(`.${suffix}`);
}

function addBlock(blocks: BlockList, entry: string): void {
  const [address = '', bits] = entry.split('/');
  const family = isIP(address);
  if (family === 0) return;
  const type = family === 6 ? 'ipv6' : 'ipv4';
  const length = Number(bits);
  if (bits === undefined) blocks.addAddress(address, type);
  else if (Number.isInteger(length) && length >= 0 && length <= (family === 6 ? 128 : 32)) {
    blocks.addSubnet(address, length, type);
  }
}
