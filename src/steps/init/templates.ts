import { placeholders } from '../../manifest/placeholders.ts';

/** Starter files: well formed, with placeholders where a team must put its own; a zones manifest that still has them is refused. */

const { id: placeholder, nonsensitiveRegistry, sensitiveRegistry } = placeholders;
const resource = (provider: string, type: string, name: string): string =>
  `/subscriptions/${placeholder}/resourceGroups/rg-ml/providers/${provider}/${type}/${name}`;

export const zonesYaml =
  `# The platform team's file: where things are, which routes are approved, which repositories which workspaces admit.
# This one knows both sides. In a pipeline each side gets a copy without the other zone's "access".
apiVersion: amlpromote/v1
kind: Zones
zones:
  nonsensitive: # where images are made
    registry:
      host: ${nonsensitiveRegistry}.azurecr.io
      id: ${resource('Microsoft.ContainerRegistry', 'registries', nonsensitiveRegistry)}
    access:
      tenant: ${placeholder}
      # kind: cli (az login) | workload (a pipeline's federated token: clientId, tokenFile) | managed (clientId) | default
      identity: { kind: cli }
      network: {}
  sensitive: # where the real data is; sealed
    registry:
      host: ${sensitiveRegistry}.azurecr.io
      id: ${resource('Microsoft.ContainerRegistry', 'registries', sensitiveRegistry)}
    access:
      tenant: ${placeholder}
      identity: { kind: managed }
      # Private endpoints without private DNS, a firewall that re-signs TLS, a proxy:
      # network: { resolve: { ${sensitiveRegistry}.azurecr.io: 10.1.0.5 }, ca: ./corp-ca.pem, proxy: http://proxy.corp:3128 }
      network: {}
    workspaces:
      risk:
        id: ${resource('Microsoft.MachineLearningServices', 'workspaces', 'ml-risk')}
        compute: { cpu: cpu-cluster }
    admits: # nothing is admitted by default
      - { repository: "ml/*", workspaces: [risk] }
routes: # the preferred first; none is approved by default
  - { from: nonsensitive, to: sensitive, via: acr-import }
`.replace(
    /network:\n( +# Private endpoints)/,
    // A key with comments only would be null, which is not a map.
    'network: {}\n$1',
  );

export const imageYaml = `# The data scientist's file: what to build, what it is for, how to smoke it.
apiVersion: amlpromote/v1
kind: Image
name: hello-batch # the Azure ML environment
version: "1.0.0" # immutable; or auto = from the image digest
repository: ml/hello-batch
source:
  build: { context: ./hello-batch }
  # or an existing image, by digest:
  # image: mcr.microsoft.com/azureml/NAME@sha256:…
environment:
  description: Says hello from the sealed zone
  tags: { team: platform }
  uses: [batch-training]
smoke: # the job that proves that the image runs there
  command: "python /app/hello.py --name \${{inputs.name}} --out \${{outputs.greeting}}"
  inputs: { name: { value: world } }
  outputs: { greeting: { type: uri_folder } }
  timeout: 10m
`;

export const dockerfile = `# Pin the base by digest, so that what was scanned is what is built next time: FROM python:3.12-slim@sha256:…
ARG BASE=python:3.12-slim
FROM \${BASE}
COPY hello.py /app/hello.py
USER 65532
`;

export const helloPy = `import argparse
import pathlib

parser = argparse.ArgumentParser()
parser.add_argument("--name", required=True)
parser.add_argument("--out", required=True)
arguments = parser.parse_args()

greeting = f"hello, {arguments.name}"
out = pathlib.Path(arguments.out)
out.mkdir(parents=True, exist_ok=True)
(out / "greeting.txt").write_text(greeting + "\\n")
print(greeting)
`;

/** Keys and tokens stay out of version control. */
export const gitignore = `*key.pem
token
`;
