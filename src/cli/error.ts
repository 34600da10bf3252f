import type { AmlpromoteError } from '../domain/errors.ts';
import { clean } from './text.ts';

const kinds: Readonly<Record<number, string>> = {
  1: 'bug',
  2: 'usage',
  10: 'refused',
  20: 'could not check',
  130: 'interrupted',
};

/** `refused (TAG_CONFLICT): message`, then what to do next. */
export function renderError(error: AmlpromoteError): string {
  const lines = [
    `${kinds[error.exitCode] ?? 'error'} (${error.code}): ${clean(error.message, { multiline: true })}`,
  ];
  for (const step of error.nextSteps) lines.push(`  next: ${clean(step)}`);
  return lines.join('\n');
}
