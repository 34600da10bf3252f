import { withoutTrailing } from './trim.ts';

/**
 * A line of a program's log as a terminal would leave it: without colours, and of a progress bar that draws over itself the last
 * state. Everything else, other control sequences too, stays: making text safe to print is for whoever prints it.
 */
export const settledLine = (line: string): string =>
  withoutTrailing(line.replace(/[^\P{Cc}\t\r\n]\[[\d;]*[mK]/gu, ''), '\r')
    .split('\r')
    .at(-1) ?? '';
