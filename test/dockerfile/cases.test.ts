import test from 'ava';
import { parseDockerfile } from '../../src/dockerfile/parse.ts';
import { parseIgnore } from '../../src/dockerfile/ignore.ts';
import { readLines } from './support/oracle.ts';

/** Inputs with the answers of BuildKit's own parser and of Docker's matcher. */
interface Case {
  readonly kind: 'dockerfile' | 'dockerignore';
  readonly name: string;
  readonly text: string;
  readonly stages?: readonly { readonly from: string; readonly name?: string }[];
  readonly error?: string;
  readonly ignored?: Readonly<Record<string, boolean>>;
}

for (const { kind, name, text, stages, error, ignored } of readLines(
  'docker-inputs.jsonl',
) as unknown as readonly Case[]) {
  test(`${kind}: ${name} (${JSON.stringify(text)})`, (t) => {
    const read = (): unknown => {
      if (kind === 'dockerfile') {
        return parseDockerfile(text).stages.map((stage) => ({
          from: stage.from,
          ...(stage.name === undefined ? {} : { name: stage.name }),
        }));
      }
      const rules = parseIgnore(text);
      return Object.fromEntries(Object.keys(ignored ?? {}).map((path) => [path, rules.ignores(path)]));
    };
    if (error === undefined) t.deepEqual(read(), stages ?? ignored);
    else t.throws(read, { name: 'Unreadable' });
  });
}
