import { readFileSync, statSync } from 'node:fs';
import tls from 'node:tls';
import { AmlpromoteError } from '../domain/errors.ts';

/**
 * Node's own roots, what NODE_EXTRA_CA_CERTS adds, the operating system's store, and the zone's `network.ca`. Made once per
 * agent: parsing two hundred certificates for each connection would cost more than the handshake.
 * @throws MANIFEST_INVALID when the file cannot be read or holds no certificate.
 */
export function createTrust(caFile: string | undefined): tls.SecureContext {
  const own = caFile === undefined ? [] : readCertificates(caFile);
  const roots = new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system'), ...own]);
  return tls.createSecureContext({ ca: [...roots] });
}

const maxPemBytes = 4 * 1024 * 1024;

function readCertificates(file: string): string[] {
  let text: string;
  try {
    const facts = statSync(file);
    if (!facts.isFile() || facts.size > maxPemBytes) throw invalid(file, 'is not a PEM file');
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof AmlpromoteError) throw cause;
    throw invalid(file, 'cannot be read', cause);
  }
  const found = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  if (!found) throw invalid(file, 'holds no PEM certificate');
  try {
    tls.createSecureContext({ ca: found });
  } catch (cause) {
    throw invalid(file, 'holds a certificate that cannot be parsed', cause);
  }
  return found;
}

const invalid = (file: string, why: string, cause?: unknown): AmlpromoteError =>
  new AmlpromoteError('MANIFEST_INVALID', `network.ca: ${file} ${why}`, {
    nextSteps: ['Give a PEM file with the certificate authority that signs for your network.'],
    ...(cause === undefined ? {} : { cause }),
  });
