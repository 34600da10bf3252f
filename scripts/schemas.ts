/** Writes the JSON Schemas of the manifests, for editors, and of what `--json` prints: `npm run schemas`. Tests keep them current. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { outputJsonSchemas } from '../src/cli/output-schemas.ts';
import { manifestSchemas } from '../src/manifest/json-schema.ts';

const directory = path.resolve(import.meta.dirname, '../manifests/schema');

async function write(folder: string, schemas: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, schema] of Object.entries(schemas)) {
    const file = path.join(folder, name);
    await writeFile(file, schema);
    console.log(path.relative(process.cwd(), file));
  }
}

await write(directory, await manifestSchemas());
await write(path.join(directory, 'output'), outputJsonSchemas());
