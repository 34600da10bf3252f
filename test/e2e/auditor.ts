import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '../support/identities.ts';
import { runTool } from '../support/run-tool.ts';
import type { ToolResult } from '../support/run-tool.ts';
import { findTool, notationOracle } from '../support/tools.ts';

/** The public tools as docs/verify-with-public-tools.md has them used: with the trust of the auditor, against plain http. */
export interface Auditor {
  /** `notation verify` in level `strict`, by the oracle over notation's own libraries. */
  notation(reference: string): Promise<ToolResult>;
  /** `cosign verify-attestation`; stdout has the verified envelope. */
  cosign(reference: string, type: string, key: 'release' | 'receipt'): Promise<ToolResult>;
  oras(...argv: string[]): Promise<ToolResult>;
  crane(...argv: string[]): Promise<ToolResult>;
  skopeo(...argv: string[]): Promise<ToolResult>;
}

/** @param sandbox its folder: nothing of it is used but `outside/trust`, `inside/trust` and the signer's certificate */
export function createAuditor(sandbox: string): Auditor {
  const home = temporaryFolder('auditor');
  const trust = path.join(sandbox, 'outside/trust');
  const store = path.join(home, 'notation/truststore/x509/ca/release');
  mkdirSync(store, { recursive: true });
  copyFileSync(path.join(trust, 'release-ca.pem'), path.join(store, 'ca.pem'));
  writeFileSync(
    path.join(home, 'notation/trustpolicy.json'),
    JSON.stringify({
      version: '1.0',
      trustPolicies: [
        {
          name: 'release',
          registryScopes: ['*'],
          signatureVerification: { level: 'strict' },
          trustStores: ['ca:release'],
          trustedIdentities: ['x509.subject: C=JP, ST=Tokyo, O=Contoso, CN=release'],
        },
      ],
    }),
  );
  const keys = { release: path.join(home, 'release.pub'), receipt: path.join(home, 'receipt.pub') };
  writePublicKey(path.join(sandbox, 'outside/cert.pem'), keys.release);
  writePublicKey(path.join(sandbox, 'inside/trust/receipt.pem'), keys.receipt);
  const run = (tool: string, argv: readonly string[]): Promise<ToolResult> =>
    runTool(findTool(tool)!, argv, { HOME: home, XDG_CONFIG_HOME: home, DOCKER_CONFIG: home });
  return {
    notation: (reference) => run(notationOracle, ['verify', '--plain-http', reference]),
    cosign: (reference, type, key) =>
      run('cosign', [
        ...['verify-attestation', '--key', keys[key], '--type', type],
        ...['--insecure-ignore-tlog=true', '--allow-http-registry', ...bundleFlag(), reference],
      ]),
    oras: (...argv) => run('oras', argv),
    crane: (...argv) => run('crane', ['--insecure', ...argv]),
    skopeo: (...argv) => run('skopeo', argv),
  };
}

function writePublicKey(certificate: string, file: string): void {
  const key = createPublicKey(readFileSync(certificate));
  writeFileSync(file, key.export({ type: 'spki', format: 'pem' }));
}

let flag: readonly string[] | undefined;

/** cosign 2 wants to be told that attestations are bundles. */
function bundleFlag(): readonly string[] {
  if (flag) return flag;
  const version = execFileSync(findTool('cosign')!, ['version', '--json'], { encoding: 'utf8' });
  const major = Number(/"gitVersion":\s*"v(\d+)/.exec(version)?.[1] ?? 0);
  return (flag = major >= 3 ? [] : ['--new-bundle-format']);
}
