import type { ImageSpec } from '../../manifest/image.ts';
import { resolveVersion } from '../../manifest/image.ts';
import type { InsideResult, OutsideResult } from '../../sides/promote.ts';
import type { PromoteOutput } from '../outputs.ts';
import { imageDocument } from './image.ts';
import { importDocument } from './import.ts';
import { registerDocument } from './register.ts';
import { releaseBody } from './release.ts';
import { runDocument } from './run.ts';
import { scanDocument } from './scan.ts';
import { signaturesOf } from './sign.ts';

/** The outside half of `promote --json`. */
export function outsideDocument(
  spec: ImageSpec,
  done: OutsideResult,
  file: string | undefined,
): PromoteOutput {
  const scan = scanDocument(done.scan);
  return {
    image: {
      ...imageDocument(spec.repository, done.build.image, spec.name),
      version: resolveVersion(spec, done.build.image.digest),
    },
    scan: {
      verdict: scan.verdict,
      findings: scan.findings.length,
      components: scan.components,
      reasons: scan.reasons,
      database: scan.database,
    },
    signatures: signaturesOf(done.sign),
    release: releaseBody(done.release, file),
  };
}

/** Adds the inside half; standing alone, what is known of image and release comes from the verified release. */
export function insideDocument(done: InsideResult, outside: PromoteOutput | undefined): PromoteOutput {
  const imported = importDocument(done.import);
  const { release, document } = done.import;
  return {
    ...(outside ?? {
      image: {
        ...imageDocument(document.repository, release.image, document.name),
        version: document.version,
      },
      signatures: release.evidence
        .filter(({ role }) => role !== 'image-manifest')
        .map(({ role, descriptor }) => ({
          role,
          digest: descriptor.digest,
          mediaType: descriptor.mediaType,
          already: true,
        })),
      release: {
        digest: document.index.digest,
        name: document.name,
        version: document.version,
        counter: document.release,
        signatures: [...document.signatures],
        already: true,
      },
    }),
    delivered: imported.delivered,
    receipt: imported.receipt,
    environment: registerDocument(done.register).environment,
    ...(done.run ? { job: runDocument(done.run).job } : {}),
  };
}
