import * as z from 'zod';
import { coverageGapCodes } from '../../domain/scan.ts';
import { parsePlatform } from '../../domain/platform.ts';
import type { ResolvePath } from './fields.ts';
import { apiVersion, duration, filePath, filled, size, text } from './fields.ts';

const tenYears = 3650 * 86_400;

const isDate = (value: string): boolean => {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : Number.NaN;
  // Date.parse takes 2026-02-30 for 2 March.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
};

/** For a finding (`id`), or for something that the scanner could not look at or match (`gap`). */
const exceptionSchema = z
  .strictObject({
    id: filled(128)
      .regex(/^[A-Za-z0-9][A-Za-z0-9:._-]*$/, { error: 'is not an advisory id such as CVE-2026-1234' })
      .exactOptional()
      .describe('Advisory id or one of its aliases.')
      .meta({ examples: ['CVE-2026-1234'] }),
    package: filled(256)
      .exactOptional()
      .describe(
        'Package (or its Debian source) that the exception is for; * stands for any run of characters but /.',
      ),
    gap: z
      .enum(coverageGapCodes)
      .exactOptional()
      .describe('In place of id: the kind of gap in the scan that is accepted.'),
    subject: filled(4096)
      .exactOptional()
      .describe(
        'With gap: what the scan names as its subject; * stands for any run of characters but /. ' +
          'What could not be read (UNREADABLE_…) is named exactly.',
      )
      .meta({ examples: ['conda'] }),
    reason: filled(1024).describe('Why it is acceptable.'),
    owner: filled(256).describe('Who answers for it.'),
    expires: text(isDate, 'is not a date: write YYYY-MM-DD')
      .describe('Last day, UTC, on which it applies.')
      .meta({ examples: ['2026-12-31'] }),
  })
  .superRefine((exception, context) => {
    const message = problemOfException(exception);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .transform(({ id, package: name, gap, subject, ...answer }) =>
    id === undefined
      ? // Refined above: exactly one of the two is there.
        { gap: gap ?? 'UNMATCHED_PACKAGE', subject: subject ?? '', ...answer }
      : { id, ...(name === undefined ? {} : { package: name }), ...answer },
  )
  .meta({ oneOf: [{ required: ['id'] }, { required: ['gap', 'subject'] }] });

function problemOfException(exception: {
  id?: string;
  package?: string;
  gap?: string;
  subject?: string;
}): string | undefined {
  const { id, gap, subject } = exception;
  if ((id === undefined) === (gap === undefined)) return 'must have exactly one of id and gap';
  if (id !== undefined) return subject === undefined ? undefined : 'a subject belongs to a gap, not to an id';
  if (exception.package !== undefined) return 'a package belongs to an id; name the subject of the gap';
  if (subject === undefined) return 'a gap needs the subject that the scan names';
  return gap?.startsWith('UNREADABLE_') && subject.includes('*')
    ? 'what could not be read may be anything: name its subject exactly, without *'
    : undefined;
}

const scanSchema = z.strictObject({
  failOn: z
    .enum(['low', 'medium', 'high', 'critical'])
    .default('high')
    .describe('Findings of this severity and above are refused.'),
  unfixed: z
    .enum(['fail', 'report', 'ignore'])
    .default('report')
    .describe(
      'Findings without a fixed version: fail = like any other; report = named, not refused; ignore = left out.',
    ),
  unknown: z
    .enum(['inconclusive', 'allow'])
    .default('inconclusive')
    .describe('What could not be scanned, matched or scored: unknown is not clean.'),
  maxAge: duration(1, tenYears).prefault('14d').describe('A scan older than this must be made again.'),
  databaseMaxAge: duration(1, tenYears)
    .exactOptional()
    .describe(
      'An advisory database whose newest record is older than this is stale; by default the same as maxAge.',
    ),
  exceptions: z
    .array(exceptionSchema)
    .max(10_000)
    .prefault([])
    .describe('Findings, and gaps in the scan, that are accepted for a while.'),
});

const subjectPattern = /^\s*[\w.-]+\s*=(?:\\.|[^\\,])+(?:,\s*[\w.-]+\s*=(?:\\.|[^\\,])+)*$/;

const trustSchema = (resolve: ResolvePath) =>
  z.strictObject({
    signers: z
      .array(
        z.strictObject({
          name: filled(128),
          ca: filePath(resolve).describe(
            'PEM certificate of the CA (or the self-signed certificate) to trust.',
          ),
          subject: filled(1024)
            .regex(subjectPattern, {
              error: 'is not a distinguished name such as CN=release,O=Contoso,ST=Tokyo,C=JP',
            })
            .describe('Every RDN listed must be present in the signing certificate.')
            .meta({ examples: ['CN=release,O=Contoso,ST=Tokyo,C=JP'] }),
        }),
      )
      .default([])
      .describe('Who may sign images, evidence and releases. Nobody by default.'),
    required: z
      .int({ error: 'is not a whole number' })
      .min(1, { error: 'must be at least 1: unsigned images are never admitted' })
      .max(16)
      .default(1)
      .describe('How many different signers must have signed.'),
    receipts: z
      .array(
        z.strictObject({
          name: filled(128),
          certificate: filePath(resolve).describe('PEM certificate whose receipts are believed.'),
        }),
      )
      .default([])
      .describe("Whose receipts (the sensitive zone's signed verdicts) are believed."),
    allowRollback: z
      .boolean()
      .default(false)
      .describe('Admit a release whose counter is lower than one that was admitted before.'),
  });

const approvalsSchema = (resolve: ResolvePath) =>
  z
    .strictObject({
      required: z.int({ error: 'is not a whole number' }).min(0).max(16).default(0),
      approvers: z.array(z.strictObject({ name: filled(128), certificate: filePath(resolve) })).default([]),
      notBuilder: z.boolean().default(true).describe('Whoever built the image cannot approve it.'),
    })
    .refine(({ required, approvers }) => approvers.length >= required, {
      error: 'requires more approvals than it lists approvers',
    });

const imageRulesSchema = z.strictObject({
  maxSize: size().prefault('20GiB').describe('Sum of the compressed layers.'),
  platforms: z
    .array(text((value) => parsePlatform(value) !== undefined, 'is not a platform such as linux/amd64'))
    .min(1)
    .default(['linux/amd64']),
  allowedBases: z
    .array(filled(512))
    .default([])
    .describe(
      'Base images (name, or name@digest; * for any run of characters but /; scratch by that word only). Empty: any. ' +
        'The image must be proven to begin with the layers of the one that it stands on.',
    ),
  forbidRoot: z.boolean().default(false).describe('Refuse images that run as root.'),
  // No default: a policy that does not have it keeps its digest.
  args: z
    .enum(['public', 'any'])
    .exactOptional()
    .describe(
      'Build arguments: public = the provenance must state the value of each that was given; any = need not (as if left out).',
    ),
});

/** The security team's file. Each zone has its own. */
export const policySchema = (resolve: ResolvePath) =>
  z
    .strictObject({
      apiVersion,
      kind: z.literal('Policy'),
      scan: scanSchema.prefault({}).describe('The gate over findings.'),
      trust: trustSchema(resolve).prefault({}).describe('Who is believed.'),
      approvals: approvalsSchema(resolve).prefault({}).describe('Whose signed yes is needed.'),
      image: imageRulesSchema.prefault({}).describe('What an image may be.'),
    })
    .superRefine(({ trust }, context) => {
      const names = trust.signers.map((signer) => signer.name);
      if (trust.signers.length > 0 && new Set(names).size < trust.required)
        context.addIssue({
          code: 'custom',
          path: ['trust', 'required'],
          message: 'is more than the signers listed',
        });
    })
    .meta({ title: 'amlpromote policy' });

export type ParsedPolicy = z.output<ReturnType<typeof policySchema>>;
