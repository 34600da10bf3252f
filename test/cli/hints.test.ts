import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import ts from 'typescript';

/** Every field of a manifest that a message names must be one that the manifest has. */
const root = path.resolve(import.meta.dirname, '../..');

interface SchemaNode {
  readonly [key: string]: unknown;
}
const isNode = (value: unknown): value is SchemaNode => typeof value === 'object' && value !== null;

/** `zones.sensitive.workspaces.*.id` for each place of the three manifests. */
function fieldsOf(node: unknown, place: readonly string[], found: Set<string>): Set<string> {
  if (!isNode(node)) return found;
  for (const kind of ['anyOf', 'oneOf', 'allOf'])
    for (const one of Array.isArray(node[kind]) ? (node[kind] as unknown[]) : []) fieldsOf(one, place, found);
  for (const [name, below] of Object.entries(isNode(node.properties) ? node.properties : {})) {
    found.add([...place, name].join('.'));
    fieldsOf(below, [...place, name], found);
  }
  if (isNode(node.additionalProperties)) {
    found.add([...place, '*'].join('.'));
    fieldsOf(node.additionalProperties, [...place, '*'], found);
  }
  fieldsOf(node.items, place, found);
  return found;
}
const fields = new Set<string>();
for (const file of globSync('manifests/schema/*.schema.json', { cwd: root }))
  fieldsOf(JSON.parse(readFileSync(path.join(root, file), 'utf8')), [], fields);

/** The texts of a source file, each `${…}` as a star. */
function textsOf(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) texts.push(node.text);
    if (ts.isTemplateExpression(node))
      texts.push([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('*'));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return texts.filter((text) => text.includes(' '));
}

const sections =
  'apiVersion|source|environment|smoke|image|trust|scan|approvals|zones|workspaces|access|identity|network|registry|routes|compute';
const mention = new RegExp(`(?<![\\w./"-])(?:${sections})(?:\\.(?:\\*|[a-zA-Z][A-Za-z]*))+`, 'g');
const isFile = (text: string): boolean => /\.(?:json|yaml|pem|ts|test|io)$/.test(text);

const isField = (text: string): boolean => {
  const wanted = text.split('.');
  return [...fields].some((field) => {
    const there = field.split('.').slice(-wanted.length);
    return (
      there.length === wanted.length &&
      there.every((name, index) => name === wanted[index] || name === '*' || wanted[index] === '*')
    );
  });
};

test('messages name fields that exist', (t) => {
  const mentioned: string[] = [];
  const files = globSync('{src,commands}/**/*.ts', { cwd: root }).filter((file) => !file.includes('sandbox'));
  for (const file of files)
    for (const text of textsOf(path.join(root, file)))
      for (const [name] of text.matchAll(mention)) {
        if (isFile(name)) continue;
        mentioned.push(name);
        t.true(isField(name), `${file}: ${name} in ${JSON.stringify(text.slice(0, 200))}`);
      }
  t.true(mentioned.length > 20, String(mentioned.length));
});

test('the check knows a field that is none', (t) => {
  t.true(isField('network.resolve'));
  t.true(isField('workspaces.*.id'));
  t.false(isField('network.dns'));
  t.false(isField('source.build.network'));
});
