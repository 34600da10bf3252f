import type { PolicyRules } from '../../src/manifest/policy.ts';

/** The manifests of design §7, whole, and what they need beside them. */
export const imageYaml = `apiVersion: amlpromote/v1
kind: Image
name: churn-train                 # AML environment name
version: 1.4.0                    # immutable
release: 7                        # optional
repository: ml/churn-train
source:
  build: { context: ./context, dockerfile: Dockerfile, args: {}, target: runtime, platform: linux/amd64, builder: engine }
environment:
  description: Gradient boosting training
  tags: { team: churn }
  uses: [batch-training]
smoke:
  command: "python train.py --data \${{inputs.data}} --out \${{outputs.model}}"
  inputs: { data: { type: uri_file, path: ./smoke/churn.csv } }
  outputs: { model: { type: uri_folder } }
  timeout: 10m
`;

export const imageFiles = { 'context/Dockerfile': 'FROM scratch\n', 'smoke/churn.csv': 'a,b\n1,2\n' };

const resource = (provider: string, type: string, name: string): string =>
  `/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml/providers/${provider}/${type}/${name}`;

/** Of the only workspace of `zonesYaml`. */
export const sampleWorkspaceId = resource('Microsoft.MachineLearningServices', 'workspaces', 'ml-risk');

export const zonesYaml = `apiVersion: amlpromote/v1
kind: Zones
zones:
  nonsensitive:
    registry: { host: contosodev.azurecr.io, id: ${resource('Microsoft.ContainerRegistry', 'registries', 'contosodev')} }
    access: { tenant: contoso.example, identity: { kind: workload, clientId: 11111111-1111-1111-1111-111111111111, tokenFile: ./token }, network: {} }
  sensitive:
    registry: { host: contososec.azurecr.io, id: ${resource('Microsoft.ContainerRegistry', 'registries', 'contososec')} }
    access:
      tenant: contoso.example
      identity: { kind: managed, clientId: 22222222-2222-2222-2222-222222222222 }
      network:
        resolve: { contososec.azurecr.io: 10.1.0.5, "*": "127.0.0.1:8443" }
        ca: ./corp-ca.pem
        proxy: http://proxy.corp:3128
    workspaces: { risk: { id: ${resource('Microsoft.MachineLearningServices', 'workspaces', 'ml-risk')}, compute: { cpu: cpu-cluster, gpu: gpu-cluster } } }
    admits: [ { repository: "ml/churn-*", workspaces: [risk] } ]
routes: [ { from: nonsensitive, to: sensitive, via: acr-import }, { from: nonsensitive, to: sensitive, via: registry } ]
`;

export const policyYaml = `apiVersion: amlpromote/v1
kind: Policy
scan:  { failOn: high, unfixed: report, unknown: inconclusive, maxAge: 14d, exceptions: [ { id: CVE-2026-1, package: openssl, reason: not reachable, owner: jo@contoso.example, expires: 2026-12-31 } ] }
trust: { signers: [ { name: release, ca: ./trust/release-ca.pem, subject: "CN=release,O=Contoso,ST=Tokyo,C=JP" } ], required: 1, receipts: [ { name: receipt, certificate: ./trust/receipt.pem } ] }
approvals: { required: 0, approvers: [], notBuilder: true }
image: { maxSize: 20GiB, platforms: [linux/amd64], allowedBases: [], forbidRoot: false }
`;

/** Not certificates of anybody: PEM frames around a few bytes, for tests that never read into them. */
export const policyFiles = {
  'trust/release-ca.pem': '-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n',
  'trust/receipt.pem': '-----BEGIN CERTIFICATE-----\nBAUG\n-----END CERTIFICATE-----\n',
};

/** The policy that an empty file stands for. */
export const defaultRules: PolicyRules = {
  apiVersion: 'amlpromote/v1',
  kind: 'Policy',
  scan: { failOn: 'high', unfixed: 'report', unknown: 'inconclusive', maxAge: 14 * 86_400, exceptions: [] },
  trust: { signers: [], required: 1, receipts: [], allowRollback: false },
  approvals: { required: 0, approvers: [], notBuilder: true },
  image: { maxSize: 20 * 2 ** 30, platforms: ['linux/amd64'], allowedBases: [], forbidRoot: false },
};
