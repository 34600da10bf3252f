import * as z from 'zod';
import type { Descriptor } from '../../domain/descriptor.ts';
import { identityOf } from '../../domain/descriptor.ts';
import type { Release, ReleaseRole } from '../../domain/release.ts';
import type { ScanReport } from '../../domain/scan.ts';
import { parseProvenance } from '../../evidence/predicates/provenance.ts';
import { checkBom } from '../../evidence/predicates/sbom.ts';
import { parseScanPredicate } from '../../evidence/predicates/scan.ts';
import type { Trust, TrustedKey } from '../../evidence/trust.ts';
import { enough, newestFirst, trustedAttestations, trustedSignatures } from '../sign/trusted.ts';
import type { Trusted } from '../sign/trusted.ts';
import { readChecked } from '../verify/content.ts';
import type { VerifiableContent } from '../verify/content.ts';
import { readPlatforms } from '../verify/image.ts';

type Evidence = Release['evidence'];

export interface GatherInput {
  /** The repository of the image. */
  readonly content: VerifiableContent;
  readonly image: Descriptor;
  /** What was attached just now: a registry may list it later. It is judged like the rest. */
  readonly attached: Evidence;
  readonly trust: Trust;
  readonly now: Date;
}

export interface Gathered {
  readonly evidence: Evidence;
  /** What the gathered scans say, one for each platform. */
  readonly scans: readonly ScanReport[];
}

/**
 * What a release lists: of each kind and subject the newest that a key of the policy has signed, ties by digest; and one signature
 * of the image by each key that these rest on, or as many as the policy requires. So an index is a function of what is attached, whoever made it, and whatever
 * this machine has in its store.
 * @throws what the registry throws; junk of others is passed over (threat 13)
 */
export async function gatherEvidence(input: GatherInput): Promise<Gathered> {
  const content = readChecked(input.content);
  const { image, trust, now } = input;
  const attached = (wanted: ReleaseRole): readonly Descriptor[] =>
    input.attached.filter(({ role }) => role === wanted).map(({ descriptor }) => descriptor);
  const signatures = await trustedSignatures({
    content,
    subject: image,
    attached: attached('signature'),
    trust,
    now,
  });
  const keys = signatures.map(({ value: { signers, leaf } }): TrustedKey => ({
    name: signers.join(', '),
    certificate: leaf,
  }));
  const find = <T>(
    kind: 'sbom' | 'scan' | 'provenance',
    subject: Descriptor,
    parse: (predicate: unknown, where: string) => T,
  ): Promise<readonly Trusted<T>[]> =>
    trustedAttestations({ content, subject, kind, attached: attached(kind), keys, parse });

  const chosen: Named[] = [];
  const scans: ScanReport[] = [];
  for (const { descriptor: platform } of await readPlatforms(content, image)) {
    const reports = await find('scan', platform, (predicate, where) =>
      parseScanPredicate(predicate, platform.digest, where),
    );
    const [scan] = newestFirst(reports, ({ finishedAt }) => finishedAt);
    const boms = await find('sbom', platform, checkBom);
    const fitting = boms.filter(({ value }) => scan && isBy(value, scan.value.scanner));
    // An SBOM bears no time; the one of the scanner whose report is taken is of the same moment.
    const [sbom] = newestFirst(fitting.length > 0 ? fitting : boms, () => '');
    if (sbom) chosen.push({ role: 'sbom', one: sbom });
    if (scan) chosen.push({ role: 'scan', one: scan });
    if (scan) scans.push(scan.value);
  }
  const builds = await find('provenance', image, (predicate, where) =>
    parseProvenance(predicate, image.digest, where),
  );
  const [provenance] = newestFirst(builds, ({ finishedAt }) => finishedAt);
  if (provenance) chosen.push({ role: 'provenance', one: provenance });
  // Whoever verifies the release believes the keys of the signatures that it lists.
  const needed = chosen.map(({ one }) => one.certificate);
  const vouching = enough(signatures, trust.policy.trust.required, needed).chosen;
  const named = [...vouching.map((one): Named => ({ role: 'signature', one })), ...chosen];
  return {
    evidence: named.map(({ role, one: { descriptor } }) => ({ role, descriptor: identityOf(descriptor) })),
    scans,
  };
}

interface Named {
  readonly role: Exclude<ReleaseRole, 'image'>;
  readonly one: Trusted<unknown>;
}

const made = z.looseObject({
  metadata: z.looseObject({
    tools: z.looseObject({ components: z.array(z.looseObject({ name: z.string(), version: z.string() })) }),
  }),
});

function isBy(bom: unknown, { name, version }: ScanReport['scanner']): boolean {
  const tools = made.safeParse(bom).data?.metadata.tools.components ?? [];
  return tools.some((tool) => tool.name === name && tool.version === version);
}
