/** The shipped default, the strict one; `manifests/policy.default.yaml` is this text. `init` fills in whom to trust. */
export const defaultPolicyYaml = `# The security team's file. Each zone has its own: outside it gates scan, sign and release; inside it decides what is admitted.
apiVersion: amlpromote/v1
kind: Policy

scan:
  failOn: high # findings of this severity and above are refused (exit 10)
  unfixed: report # findings that nobody has repaired yet: fail | report | ignore
  unknown: inconclusive # what could not be scanned, matched or scored is not clean (exit 20): inconclusive | allow
  maxAge: 14d # an older scan, or an older advisory database, must be made again
  # Accepted for a while, each with a reason, an owner and a last day:
  # - { id: CVE-2026-1234, package: openssl, reason: "not reachable: no TLS server", owner: jo@contoso.example, expires: 2026-12-31 }
  # What the scan could not look at or match, by its code and subject; a layer that nobody could read is not accepted with it:
  # - { gap: UNMATCHED_PACKAGE, subject: conda, reason: "mirror rebuilt weekly", owner: jo@contoso.example, expires: 2026-12-31 }
  exceptions: []

trust:
  # Whose signatures count: a CA, and what must stand in the certificate's subject. Nobody by default.
  # - { name: release, ca: ./trust/release-ca.pem, subject: "CN=release,O=Contoso,ST=Tokyo,C=JP" }
  signers: []
  required: 1 # how many different signers must have signed
  # Whose receipts (the sensitive zone's signed verdicts) are believed:
  # - { name: receipt, certificate: ./trust/receipt.pem }
  receipts: []
  allowRollback: false # admit a release with a lower counter than one that was admitted before

approvals:
  required: 0 # how many people must say yes
  approvers: [] # - { name: ann, certificate: ./trust/ann.pem }
  notBuilder: true # whoever built the image cannot approve it

image:
  maxSize: 20GiB # sum of the compressed layers
  platforms: [linux/amd64]
  allowedBases: [] # e.g. ["python:3.12-*"]; empty = any
  forbidRoot: false # true: refuse images that run as root
`;
