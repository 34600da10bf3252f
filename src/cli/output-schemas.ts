import { toJSONSchema } from 'zod';
import { outputSchemas } from './outputs.ts';

/**
 * File name → text of the published JSON Schema (draft 2020-12) of each document that `--json` prints. Unknown members are
 * left open: a reader must stand members that come later.
 */
export const outputJsonSchemas = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(outputSchemas).map(([name, schema]) => [
      `${name}.schema.json`,
      `${JSON.stringify(toJSONSchema(schema, { io: 'input' }), undefined, 2)}\n`,
    ]),
  );
