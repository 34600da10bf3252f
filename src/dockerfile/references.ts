import { lower } from './go-text.ts';
import type { Stage, Use } from './stage.ts';
import { Unreadable } from './unreadable.ts';

/**
 * Which stage a `FROM` stands on: one that was named before it, exactly so; the last where several have the name. Numbers
 * are no stages here.
 */
export const stageBelow = (stages: readonly Stage[], index: number, name: string): number =>
  stages.slice(0, index).findLastIndex((stage) => stage.name === name);

/** The stage that `--target` means; -1 for none. A number is left to the engine, which knows stages by name alone. */
export const stageOfTarget = (stages: readonly Stage[], target: string): number => {
  const named = stageNamed(stages, target);
  if (named >= 0 || !/^\d{1,9}$/.test(target)) return named;
  return Number(target) < stages.length ? Number(target) : -1;
};

/** The stage of that name, in whatever case. */
const stageNamed = (stages: readonly Stage[], name: string): number =>
  stages.findLastIndex((stage) => stage.name === lower(name));

/**
 * Which stage a `COPY --from` or a mount means, by name or (COPY alone) by number; undefined when it is an image.
 * @throws Unreadable for a stage that does not stand before it, which builders refuse
 */
export function stageUsed(stages: readonly Stage[], index: number, use: Use): number | undefined {
  const { reference, by, line } = use;
  const number = by === 'copy' && /^[+-]?\d{1,18}$/.test(reference) ? Number(reference) : undefined;
  const found = number ?? stageNamed(stages, reference);
  if (number === undefined && found < 0) return undefined;
  if (found >= 0 && found < index) return found;
  throw new Unreadable(line, `${reference} is no stage that stands before this one`);
}
