/** File name → text of the published JSON Schema (draft 2020-12) of each manifest kind: what an author writes, not what is parsed. */
export async function manifestSchemas(): Promise<Readonly<Record<string, string>>> {
  const [{ toJSONSchema }, { imageSchema }, { zonesSchema }, { policySchema }] = await Promise.all([
    import('zod'),
    import('./schema/image.ts'),
    import('./schema/zones.ts'),
    import('./schema/policy.ts'),
  ]);
  const asWritten = (written: string): string => written;
  const text = (schema: object): string => `${JSON.stringify(schema, undefined, 2)}\n`;
  return {
    'image.schema.json': text(toJSONSchema(imageSchema(asWritten), { io: 'input' })),
    'policy.schema.json': text(toJSONSchema(policySchema(asWritten), { io: 'input' })),
    'zones.schema.json': text(toJSONSchema(zonesSchema(asWritten), { io: 'input' })),
  };
}
