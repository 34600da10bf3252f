/**
 * A line of a program's log as a terminal would leave it: without colours, and of a progress bar that draws over itself the last
 * state. Everything else, other control sequences too, stays: making text safe to print is for whoever prints it.
 */
export function settledLine(line: string): string {
  const plain = line.replace(/[^\P{Cc}\t\r\n]\[[\d;]*[mK]/gu, '');
  // By hand: `\r+$` looks at a long run of them from each one on.
  let end = plain.length;
  while (plain[end - 1] === '\r') end -= 1;
  return plain.slice(plain.slice(0, end).lastIndexOf('\r') + 1, end);
}
