import path from 'node:path';
import { AmlpromoteError } from '../domain/errors.ts';
import type { ReleaseDocument } from '../domain/release.ts';
import type { WorkspaceChoice } from '../policy/workspace-choice.ts';
import { chooseWorkspace } from '../policy/workspace-choice.ts';
import type { Inside } from '../sides/inside.ts';
import { loadImage } from '../manifest/image.ts';
import type { ImageSpec } from '../manifest/image.ts';
import { accessOf } from '../manifest/zones.ts';
import type { Zones } from '../manifest/zones.ts';
import type { Outside } from '../sides/outside.ts';
import { approvedRoute, requireApprovedOrigin } from '../policy/zones.ts';
import {
  combinedExitCode,
  planPromotion,
  promoteInside,
  promoteOutside,
  requireReady,
} from '../sides/promote.ts';
import type { PlanPlaces, PlanSubject, PromotionMode } from '../sides/promote.ts';
import { errorBody, renderError } from './error.ts';
import { openInside, openOutside } from './open.ts';
import type { PromoteOutput } from './outputs.ts';
import { readReleaseFile, requireReleaseTarget, writeReleaseFile } from './release-file.ts';
import { renderPlan, renderPromotions } from './render/promote.ts';
import type { PromotionFailure } from './render/promote.ts';
import { insideDocument, outsideDocument } from './render/promotion-document.ts';
import type { Context } from './wiring.ts';

export interface PromotionRequest {
  readonly images: readonly string[];
  readonly mode: PromotionMode;
  /** Files, for `inside`. */
  readonly releases: readonly string[];
  readonly dryRun: boolean;
  readonly rebuild: boolean;
  readonly out: string | undefined;
  readonly choice: WorkspaceChoice;
}

export interface PromotionOutcome {
  readonly document: unknown;
  readonly text: string;
  readonly exitCode: number;
}

/** One thing to promote: an image manifest, or inside a release. */
type Subject =
  | { readonly name: string; readonly spec: ImageSpec }
  | { readonly name: string; readonly release: ReleaseDocument };

/** All manifests are read before anything is done: a typing error in the third one costs no build of the first. */
export async function runPromotion(context: Context, request: PromotionRequest): Promise<PromotionOutcome> {
  checkRequest(context, request);
  // What cannot be reached at its end is neither planned nor begun.
  if (request.mode !== 'inside') accessOf(context.zones, 'nonsensitive');
  if (request.mode !== 'outside') accessOf(context.zones, 'sensitive');
  const subjects = await loadSubjects(request);
  if (request.dryRun) {
    const plan = subjects.flatMap((subject) =>
      planPromotion(planSubject(subject), places(context, subject, request)),
    );
    return { document: { plan }, text: renderPlan(plan), exitCode: 0 };
  }
  if (request.mode === 'outside' || (request.mode === 'both' && request.out !== undefined))
    for (const { name } of subjects) await requireReleaseTarget(fileFor(name, request));
  const outside = request.mode === 'inside' ? undefined : await openOutside(context);
  const inside = request.mode === 'outside' ? undefined : await openInside(context);
  const results: (PromoteOutput | PromotionFailure)[] = [];
  const codes: number[] = [];
  for (const subject of subjects) {
    const result = await promoteOne(subject, { outside, inside }, request, context.zones).catch(
      (error: unknown) => {
        if (!(error instanceof AmlpromoteError) || subjects.length === 1 || context.signal.aborted)
          throw error;
        codes.push(error.exitCode);
        process.stderr.write(`${renderError(error)}\n`);
        return { image: { name: subject.name }, error: errorBody(error) };
      },
    );
    results.push(result);
  }
  return {
    document: results.length === 1 ? results[0] : { results },
    text: renderPromotions(results),
    exitCode: combinedExitCode(codes),
  };
}

function checkRequest({ settings }: Context, request: PromotionRequest): void {
  const { mode, images, releases } = request;
  const usage = (message: string, next: string): AmlpromoteError =>
    new AmlpromoteError('USAGE', message, { nextSteps: [next] });
  if (mode === 'inside' && images.length > 0)
    throw usage('--inside takes releases, not image manifests', 'Give --inside release.json alone.');
  if (mode !== 'inside' && images.length === 0)
    throw usage('no image manifest was given', 'Give one or more IMAGE.yaml.');
  if (mode === 'inside' && releases.length === 0)
    throw usage('no release was given', 'Give --inside release.json.');
  if (mode === 'both' && settings.namesPolicyOrKey) {
    throw usage(
      'a promotion over both sides takes no --policy, --key or --certificate: each side has its own',
      'Leave them out, or promote with --outside and --inside in two steps.',
    );
  }
}

const loadSubjects = async (request: PromotionRequest): Promise<readonly Subject[]> =>
  request.mode === 'inside'
    ? await Promise.all(
        request.releases.map(async (file) => {
          const release = await readReleaseFile(file);
          return { name: release.name, release };
        }),
      )
    : await Promise.all(
        request.images.map(async (file) => {
          const spec = await loadImage(file);
          return { name: spec.name, spec };
        }),
      );

async function promoteOne(
  subject: Subject,
  sides: { readonly outside: Outside | undefined; readonly inside: Inside | undefined },
  request: PromotionRequest,
  zones: Zones,
): Promise<PromoteOutput> {
  let document: PromoteOutput | undefined;
  let release = 'release' in subject ? subject.release : undefined;
  if (sides.outside && 'spec' in subject) {
    // Where both sides are known, what the inside would not take is not built.
    const { host } = zones.zones.nonsensitive.registry;
    const origin = { registry: host, repository: subject.spec.repository };
    if (sides.inside) await requireReady(sides.inside, origin, request.choice);
    const done = await promoteOutside(sides.outside, subject.spec, { rebuild: request.rebuild });
    release = done.release.document;
    const file =
      request.mode === 'outside' || request.out !== undefined
        ? await writeReleaseFile(fileFor(release.name, request), release)
        : undefined;
    document = outsideDocument(subject.spec, done, file);
  }
  if (sides.inside && release) {
    const done = await promoteInside(sides.inside, release, request.choice);
    document = insideDocument(done, document);
  }
  if (!document) throw new TypeError('a promotion of neither side');
  return document;
}

function fileFor(name: string, { out = 'release.json', images }: PromotionRequest): string {
  return images.length === 1 ? out : path.join(path.dirname(out), `${name}.release.json`);
}

function planSubject(subject: Subject): PlanSubject {
  if ('release' in subject) {
    const { name, version, repository } = subject.release;
    return { name, version, repository, smoke: true };
  }
  const { name, version, repository, source, smoke } = subject.spec;
  return {
    name,
    version,
    repository,
    smoke: smoke !== undefined,
    source:
      source.kind === 'build'
        ? { kind: 'build', context: source.context }
        : { kind: 'image', from: source.digest },
  };
}

function places({ zones }: Context, subject: Subject, request: PromotionRequest): PlanPlaces {
  const { repository } = 'spec' in subject ? subject.spec : subject.release;
  const inside = request.mode !== 'outside';
  // What the run would refuse is not planned either.
  if ('release' in subject) requireApprovedOrigin(zones, subject.release);
  return {
    mode: request.mode,
    nonsensitiveHost: zones.zones.nonsensitive.registry.host,
    sensitiveHost: zones.zones.sensitive.registry.host,
    route: inside ? approvedRoute(zones) : '',
    workspace: inside ? chooseWorkspace(zones, repository, request.choice).name : '',
  };
}
