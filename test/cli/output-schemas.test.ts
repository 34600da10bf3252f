import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import test from 'ava';
import { outputJsonSchemas } from '../../src/cli/output-schemas.ts';
import { outputSchemas } from '../../src/cli/outputs.ts';

const published = path.resolve(import.meta.dirname, '../../manifests/schema/output');

test('the published JSON Schemas of the outputs are current (npm run schemas)', async (t) => {
  const current = outputJsonSchemas();
  t.deepEqual((await readdir(published)).sort(), Object.keys(current).sort());
  for (const [name, text] of Object.entries(current))
    t.is(await readFile(path.join(published, name), 'utf8'), text, name);
});

const error = { error: { code: 'USAGE', message: 'm', nextSteps: ['n'] } };

test('a published schema says what the code says', (t) => {
  const ajv = new Ajv2020({ strict: true });
  for (const [name, text] of Object.entries(outputJsonSchemas())) {
    const validate = ajv.compile(JSON.parse(text) as object);
    const { success } =
      outputSchemas[name.replace('.schema.json', '') as keyof typeof outputSchemas].safeParse(error);
    t.is(validate(error), success, name);
  }
});

test('a published schema stands members that come later', (t) => {
  const validate = new Ajv2020({ strict: true }).compile(
    JSON.parse(outputJsonSchemas()['error.schema.json'] ?? '') as object,
  );
  t.true(validate({ error: { ...error.error, later: 1 }, also: 2 }));
  t.false(validate({ error: { ...error.error, code: 7 } }));
});
