import * as z from 'zod';

/**
 * The documents that `--json` prints, schema first: types, tests and the published JSON Schemas (manifests/schema/output)
 * come from here. Additive changes only within `amlpromote/v1`.
 */
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const verdict = z.enum(['allowed', 'refused', 'inconclusive']);
const role = z.enum(['image', 'image-manifest', 'signature', 'sbom', 'scan', 'provenance', 'approval']);

const reason = z.object({ code: z.string(), verdict, subject: z.string(), detail: z.string() });

const image = z.object({
  name: z.string().optional(),
  repository: z.string(),
  digest,
  mediaType: z.string(),
  /** Bytes of the manifest. */
  size: z.int(),
});

export const buildOutput = z.object({
  image,
  version: z.string(),
  location: z.enum(['store', 'registry']),
  platform: z.string(),
  buildKey: z.string().optional(),
  already: z.boolean(),
});

/** What can be done about a verdict other than `allowed`, by its reasons. */
const nextSteps = z.array(z.string()).optional();

export const scanOutput = z.object({
  image,
  verdict,
  reasons: z.array(reason),
  nextSteps,
  findings: z.array(
    z.object({
      id: z.string(),
      aliases: z.array(z.string()),
      severity: z.string(),
      score: z.number().optional(),
      package: z.string(),
      version: z.string(),
      purl: z.string(),
      fixedVersions: z.array(z.string()),
    }),
  ),
  components: z.int(),
  gaps: z.array(z.object({ code: z.string(), subject: z.string(), detail: z.string() })),
  database: z.object({ digest, newest: z.string().optional(), label: z.string().optional() }),
  sbom: z.object({ digest }),
  already: z.boolean(),
});

export const publishOutput = z.object({ image, reference: z.string(), already: z.boolean(), bytes: z.int() });

const signature = z.object({ role, digest, mediaType: z.string(), already: z.boolean() });
export const signOutput = z.object({ image, signatures: z.array(signature), already: z.boolean() });

const releaseBody = z.object({
  digest,
  name: z.string(),
  version: z.string(),
  counter: z.int(),
  signatures: z.array(digest),
  /** Where release.json was written, if it was. */
  file: z.string().optional(),
  already: z.boolean(),
});
export const releaseOutput = z.object({ image, release: releaseBody });

const delivered = z.object({ reference: z.string(), repository: z.string(), digest, tag: z.string() });
const receipt = z.object({ digest, verdict, policyDigest: digest });
export const importOutput = z.object({
  release: z.object({ digest, name: z.string(), version: z.string(), counter: z.int() }),
  delivered,
  receipt,
  route: z.string(),
  transfers: z.int(),
  already: z.boolean(),
});

/** `import --discard`: what went from quarantine, and what stays because another release that waits there lists it too. */
export const discardOutput = z.object({
  release: z.object({ digest, name: z.string(), version: z.string(), counter: z.int() }),
  quarantine: z.string(),
  removed: z.array(digest),
  kept: z.array(digest),
  already: z.boolean(),
});

export const verifyOutput = z.object({
  verdict,
  subject: z.string(),
  policyDigest: digest,
  nextSteps,
  rules: z.array(
    z.object({
      rule: z.string(),
      verdict,
      summary: z.string(),
      reasons: z.array(reason),
      evidence: z.array(digest),
    }),
  ),
});

const environment = z.object({
  id: z.string(),
  name: z.string(),
  version: z.string(),
  image: z.string(),
  workspace: z.string(),
  already: z.boolean(),
});
export const registerOutput = z.object({ environment, notes: z.array(z.string()) });

const job = z.object({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  outputs: z.array(
    z.object({
      name: z.string(),
      uri: z.string(),
      files: z.array(z.string()),
      /** False where the files may not be listed from here: then none does not mean that there are none. */
      readable: z.boolean().optional(),
    }),
  ),
  /** The last lines of its log, where that may be read. */
  log: z.string().optional(),
  /** The last line that tells a score. */
  score: z.string().optional(),
});
export const runOutput = z.object({ environment: z.object({ id: z.string() }), job });

const scanSummary = z.object({
  verdict,
  findings: z.int(),
  components: z.int(),
  reasons: z.array(reason),
  database: z.object({ digest, newest: z.string().optional(), label: z.string().optional() }),
});

/** One image through as many steps as this process may take; what was not done is absent. */
export const promoteOutput = z.object({
  image: image.extend({ version: z.string() }),
  scan: scanSummary.optional(),
  signatures: z.array(signature),
  release: releaseBody.optional(),
  delivered: delivered.optional(),
  receipt: receipt.optional(),
  environment: environment.optional(),
  job: job.optional(),
});

const failure = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    nextSteps: z.array(z.string()),
    reasons: z.array(reason).optional(),
  }),
});

const planOutput = z.object({
  plan: z.array(
    z.object({ image: z.string(), step: z.string(), side: z.enum(['outside', 'inside']), does: z.string() }),
  ),
});

/** Several images: a result for each, in the order given. */
const promoteManyOutput = z.object({
  results: z.array(z.union([promoteOutput, failure.extend({ image: z.object({ name: z.string() }) })])),
});

const notVisible = z.literal('not visible from here');
export const statusOutput = z.object({
  name: z.string(),
  version: z.string(),
  repository: z.string(),
  outside: z.union([
    notVisible,
    z.object({
      built: digest.optional(),
      /** Why it cannot be told whether the image of the manifest is built: a base is not here, and `status` fetches nothing. */
      notLookedUp: z.string().optional(),
      published: digest.optional(),
      releases: z.array(z.object({ counter: z.int(), digest, version: z.string(), image: digest })),
    }),
  ]),
  inside: z.union([
    notVisible,
    z.object({
      delivered: z.object({ digest, tag: z.string() }).optional(),
      releases: z.array(z.object({ counter: z.int(), digest, version: z.string(), image: digest })),
      receipts: z.int(),
      /** What waits or was left in quarantine and is not in the final repository; an entry for what nothing else there lists. */
      quarantine: z
        .union([
          notVisible,
          z.array(
            z.object({
              digest,
              /** RFC 3339: since when, where the registry tells. */
              since: z.string().optional(),
              /** Where it is a release index. */
              release: z.object({ counter: z.int(), version: z.string() }).optional(),
            }),
          ),
        ])
        .optional(),
      environments: z.array(
        z.object({ workspace: z.string(), id: z.string(), image: z.string().optional() }),
      ),
      lastJob: z
        .object({
          name: z.string(),
          status: z.string(),
          /**
           * `verified`: this machine submitted it, and it is still what was submitted. `unverified`: it only carries our name or
           * tags, which anybody with access to the workspace can give a job.
           */
          proof: z.enum(['verified', 'unverified']),
        })
        .optional(),
    }),
  ]),
});

const initOutput = z.object({
  directory: z.string(),
  written: z.array(z.string()),
  kept: z.array(z.string()),
});
const pruneOutput = z.object({ removed: z.int(), bytes: z.int() });
const sandboxOutput = z.looseObject({ running: z.boolean(), directory: z.string() });

export type BuildOutput = z.infer<typeof buildOutput>;
export type ScanOutput = z.infer<typeof scanOutput>;
export type PublishOutput = z.infer<typeof publishOutput>;
export type SignOutput = z.infer<typeof signOutput>;
export type ReleaseOutput = z.infer<typeof releaseOutput>;
export type ImportOutput = z.infer<typeof importOutput>;
export type DiscardOutput = z.infer<typeof discardOutput>;
export type VerifyOutput = z.infer<typeof verifyOutput>;
export type RegisterOutput = z.infer<typeof registerOutput>;
export type RunOutput = z.infer<typeof runOutput>;
export type PromoteOutput = z.infer<typeof promoteOutput>;
export type StatusOutput = z.infer<typeof statusOutput>;

/** By file name below manifests/schema/output. */
export const outputSchemas = {
  build: buildOutput,
  scan: scanOutput,
  publish: publishOutput,
  sign: signOutput,
  release: releaseOutput,
  import: importOutput,
  'import-discard': discardOutput,
  verify: verifyOutput,
  register: registerOutput,
  run: runOutput,
  promote: promoteOutput,
  'promote-many': promoteManyOutput,
  plan: planOutput,
  status: statusOutput,
  init: initOutput,
  'store-prune': pruneOutput,
  sandbox: sandboxOutput,
  error: failure,
} as const;
