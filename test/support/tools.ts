import test from 'ava';
import type { ImplementationFn } from 'ava';
import { findTool } from './find-tool.ts';

export { findTool };

/** Our program over notation's libraries (`test/oracles/notation`): what notation would say. */
export const notationOracle = 'amlpromote-oracle-notation';

/** What of the machine a test cannot do without, when that is more than a program of that name. */
export interface Need {
  readonly name: string;
  readonly isHere: boolean;
}

/** Declares a test that runs where everything it needs is here, and is skipped and counted elsewhere: never a silent pass. */
export interface NeedyTest {
  (title: string, run: ImplementationFn<[]>): void;
  readonly serial: (title: string, run: ImplementationFn<[]>) => void;
}

/**
 * The one way to write a test that needs a program, an engine, …. What it needs goes into the title, so that a skip says why.
 *
 * @param needs programs by name, or what has been asked already
 */
export function needing(...needs: readonly (string | Need)[]): NeedyTest {
  const all = needs.map((need) =>
    typeof need === 'string' ? { name: need, isHere: findTool(need) !== undefined } : need,
  );
  const isHere = all.every((need) => need.isHere);
  const full = (title: string): string => `${title} (needs ${all.map(({ name }) => name).join(', ')})`;
  return Object.assign(
    (title: string, run: ImplementationFn<[]>): void => {
      if (isHere) test(full(title), run);
      else test.skip(full(title), run);
    },
    {
      serial: (title: string, run: ImplementationFn<[]>): void => {
        if (isHere) test.serial(full(title), run);
        else test.serial.skip(full(title), run);
      },
    },
  );
}
