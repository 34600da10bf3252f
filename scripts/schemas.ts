/** Writes the JSON Schemas of the three manifests, for editors: `npm run schemas`. A test keeps them current. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { manifestSchemas } from '../src/manifest/json-schema.ts';

const directory = path.resolve(import.meta.dirname, '../manifests/schema');
await mkdir(directory, { recursive: true });
for (const [name, schema] of Object.entries(await manifestSchemas())) {
  const file = path.join(directory, name);
  await writeFile(file, schema);
  console.log(path.relative(process.cwd(), file));
}
