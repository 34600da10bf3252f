import { chainMutations } from './chain-mutations.ts';
import { envelopeMutations } from './envelope-mutations.ts';
import { leafMutations } from './leaf-mutations.ts';
import { nameMutations } from './name-mutations.ts';
import { makeCase } from './notation-draft.ts';
import type { Mutation, NotationCase } from './notation-draft.ts';

const mutations: readonly Mutation[] = [
  ...envelopeMutations,
  ...chainMutations,
  ...nameMutations,
  ...leafMutations,
];

/** Every mutation by itself, then pairs of two chosen by a fixed sequence. */
export function makeCases(pairs: number): readonly NotationCase[] {
  let state = 7;
  const next = (): number => (state = (state * 48_271) % 2_147_483_647);
  const pick = (): Mutation => mutations[next() % mutations.length]!;
  return [
    ...mutations.map((one) => makeCase([one])),
    ...Array.from({ length: pairs }, () => makeCase([pick(), pick()])),
  ];
}
