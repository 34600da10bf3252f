import type { Problem } from './problem.ts';

const maxProblems = 20;

/** `file:line:column: message` with the line and a caret under the column; in the order of the text. */
export function formatProblems(file: string, text: string, problems: readonly Problem[]): string {
  const inOrder = [...problems].sort((a, b) => a.offset - b.offset);
  const shown = inOrder.slice(0, maxProblems).map((problem) => formatProblem(file, text, problem));
  const rest = inOrder.length - shown.length;
  return [...shown, ...(rest > 0 ? [`… and ${String(rest)} more problems in ${file}`] : [])].join('\n');
}

function formatProblem(file: string, text: string, { offset, message }: Problem): string {
  const start = text.lastIndexOf('\n', Math.max(0, offset - 1)) + 1;
  const begin = text[offset] === '\n' && start > offset ? offset : start;
  const end = text.indexOf('\n', begin);
  const line = text.slice(0, begin).split('\n').length;
  const column = offset - begin;
  const content = redact(text.slice(begin, end < 0 ? undefined : end)).slice(0, 160);
  const gutter = String(line);
  return [
    `${file}:${String(line)}:${String(column + 1)}: ${message}`,
    `  ${gutter} | ${content}`,
    `  ${' '.repeat(gutter.length)} | ${' '.repeat(Math.min(column, 160))}^`,
  ].join('\n');
}

/** A manifest should have no credentials, but the one that does must not end in a build log; length is kept for the caret. */
const redact = (line: string): string =>
  line.replace(
    /(:\/\/)([^/\s@]+)(@)/g,
    (_, scheme: string, secret: string, at: string) => scheme + '*'.repeat(secret.length) + at,
  );
