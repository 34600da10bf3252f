import { loadTrust } from '../../src/evidence/trust.ts';
import type { CarriedManifest } from '../../src/evidence/carried-manifest.ts';
import { requireVerified, verifyRelease } from '../../src/steps/verify.ts';
import type { VerifiedRelease } from '../../src/steps/verify.ts';
import { silent } from '../../src/domain/events.ts';
import type { Repository } from '../../src/ports/content.ts';
import { makeIdentities } from './identities.ts';
import { memoryRegistry } from './memory-registry.ts';
import { pushRelease, testPolicy } from './signed-release.ts';

export const verifiedAt = new Date('2026-11-21T10:00:00Z');
let identities: ReturnType<typeof makeIdentities> | undefined;
let policy: ReturnType<typeof testPolicy> | undefined;

export interface VerifiedOptions {
  readonly carried?: Partial<CarriedManifest>;
  readonly inputs?: readonly Uint8Array[];
  /** Makes another image. */
  readonly flavour?: string;
}

interface Verified {
  readonly verified: VerifiedRelease;
  readonly content: Repository;
}

const made = new Map<string, Promise<Verified>>();

/** A release that the real `verify` has passed, as `register` and `run` get it, and the repository that it is in. Made once per shape. */
export function verifiedRelease(options: VerifiedOptions = {}): Promise<Verified> {
  const key = JSON.stringify(options);
  const known = made.get(key) ?? make(options);
  made.set(key, known);
  return known;
}

async function make(options: VerifiedOptions): Promise<Verified> {
  const known = await (identities ??= makeIdentities(verifiedAt));
  const content = memoryRegistry('contososec.azurecr.io').repository('ml/churn-train');
  const { document } = await pushRelease(content, {
    now: verifiedAt,
    signer: known.releaseSigner,
    ...options,
  });
  const report = await verifyRelease(
    {
      document,
      host: 'contososec.azurecr.io',
      repository: 'ml/churn-train',
      content,
      trust: await loadTrust(await (policy ??= testPolicy(known))),
    },
    { clock: { now: () => verifiedAt }, progress: silent },
  );
  return { verified: requireVerified(report), content };
}
