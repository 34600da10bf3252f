import type { Descriptor } from '../domain/descriptor.ts';
import type { ReleaseDocument } from '../domain/release.ts';
import type { Trust } from '../evidence/trust.ts';
import type { Zones } from '../manifest/zones.ts';
import { requireApprovedOrigin } from '../policy/zones.ts';
import type { Registry } from '../ports/content.ts';
import type { StepContext } from '../ports/step-context.ts';
import { verifyImage, verifyRelease } from '../steps/verify.ts';
import type { VerificationReport } from '../steps/verify.ts';
import { resolveReference } from './resolve-reference.ts';

/** An image by repository and descriptor: a tag has been resolved by then, once. */
export interface RepositoryImage {
  readonly repository: string;
  readonly image: Descriptor;
}

/** Verification under a side's own policy. Changes nothing, and answers by verdict. */
export interface Verifier {
  /** An image of this side's registry. @throws NOT_FOUND, USAGE, TAG_CONFLICT */
  resolve(reference: string): Promise<RepositoryImage>;
  /** A release where this side has it. @throws ROUTE_NOT_APPROVED */
  verify(document: ReleaseDocument): Promise<VerificationReport>;
  /** An image by the evidence that is attached to it. */
  verifyImage(image: RepositoryImage): Promise<VerificationReport>;
}

export interface VerifierPorts extends StepContext {
  readonly registry: () => Promise<Registry>;
  /** The zone's policy with the certificates that it names: read once, so that every step judges by the same. */
  readonly trust: () => Promise<Trust>;
}

/** @param admits whether this zone admits releases: its receipts then say which counter it has seen */
export function createVerifier(zones: Zones, admits: boolean, ports: VerifierPorts): Verifier {
  return {
    resolve: async (reference) => await resolveReference(await ports.registry(), reference),
    verify: async (document) => {
      requireApprovedOrigin(zones, document);
      const { repository } = document;
      const { host, content, trust } = await placeOf(repository, ports);
      const receipts = admits ? content : undefined;
      return await verifyRelease({ document, host, repository, content, receipts, trust }, ports);
    },
    verifyImage: async ({ repository, image }) =>
      await verifyImage({ repository, image, ...(await placeOf(repository, ports)) }, ports),
  };
}

async function placeOf(repository: string, ports: VerifierPorts) {
  const registry = await ports.registry();
  return {
    host: registry.host,
    content: registry.repository(repository),
    trust: await ports.trust(),
  };
}
