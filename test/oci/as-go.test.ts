import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { mediaTypes } from '../../src/domain/media-types.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { canonicalJson } from '../../src/json/canonical.ts';
import { foldName } from '../../src/json/go-names.ts';
import { parseImageConfig } from '../../src/oci/image-config.ts';
import { parseIndex, parseManifest } from '../../src/oci/manifest.ts';
import { askGo, jsonOracle } from '../support/json-oracle.ts';
import { needing } from '../support/tools.ts';
import type { JsonAnswer } from '../support/json-oracle.ts';
import { documentQuestion, freeMaps, sampleDocuments } from '../support/json-questions.ts';
import type { DocumentKind } from '../support/json-questions.ts';

/** Without the program of `test/oracles/json`, the recorded answers stand for it. */
const live = needing(jsonOracle);

interface Document {
  readonly ask: DocumentKind;
  readonly document: string;
}

/** What this tool goes by, of a document that it accepts; undefined for one that it refuses. */
function ours({ ask, document }: Document): unknown {
  const bytes = Buffer.from(document, 'base64');
  const content = (mediaType: string) => ({
    descriptor: { mediaType, digest: sha256(bytes), size: bytes.byteLength },
    bytes,
  });
  try {
    if (ask === 'manifest') return parseManifest(content(mediaTypes.ociManifest));
    if (ask === 'index') return parseIndex(content(mediaTypes.ociIndex));
    return parseImageConfig(bytes, 'it');
  } catch (error) {
    if (error instanceof AmlpromoteError && error.code === 'CONTENT_INVALID') return undefined;
    throw error;
  }
}

type Json = Readonly<Record<string, unknown>>;
const memberOf = (value: unknown, key: string): unknown => (value as Json | null | undefined)?.[key];
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const descriptorOf = (value: unknown): unknown =>
  value === undefined || value === null
    ? null
    : {
        ...pick(value, ['mediaType', 'digest', 'size', 'artifactType']),
        annotations: memberOf(value, 'annotations') ?? {},
        platform: pick(memberOf(value, 'platform'), ['os', 'architecture', 'variant']),
      };

/** Absent, `null`, empty and Go's zero value are one. */
const pick = (value: unknown, keys: readonly string[]): Json =>
  Object.fromEntries(
    keys
      .map((key) => [key, memberOf(value, key)] as const)
      .map(([key, one]) => [key, isNone(one) ? undefined : one] as const),
  );

const isNone = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === 0 ||
  value === false ||
  (typeof value === 'object' && Object.keys(value).length === 0);

const runtimeKeys = [
  'User',
  'Env',
  'Entrypoint',
  'Cmd',
  'WorkingDir',
  'StopSignal',
  'OnBuild',
  'Shell',
  'ArgsEscaped',
];

/** The same questions to what we read and to what Go read. */
function compared(ask: DocumentKind, read: unknown): unknown {
  if (ask === 'config') {
    const config = memberOf(read, 'config');
    return {
      ...pick(read, ['os', 'architecture', 'variant']),
      diffIds: listOf(memberOf(memberOf(read, 'rootfs'), 'diff_ids')),
      config: pick(config, runtimeKeys),
      healthcheck: pick(memberOf(config, 'Healthcheck'), [
        'Test',
        'Interval',
        'Timeout',
        'StartPeriod',
        'Retries',
      ]),
    };
  }
  const children = ask === 'manifest' ? 'layers' : 'manifests';
  return {
    children: listOf(memberOf(read, children)).map(descriptorOf),
    subject: descriptorOf(memberOf(read, 'subject')),
    annotations: memberOf(read, 'annotations') ?? {},
    ...(ask === 'manifest'
      ? { config: descriptorOf(memberOf(read, 'config')), ...pick(read, ['artifactType']) }
      : {}),
  };
}

function disagreement(question: Document, answer: JsonAnswer): unknown {
  const read = ours(question);
  if (read === undefined) return undefined;
  const text = Buffer.from(question.document, 'base64').toString();
  if (answer.error !== undefined) return { text, go: answer.error };
  const body = question.ask === 'config' ? { ...(memberOf(read, 'body') as Json) } : read;
  const [we, go] = [body, answer.read].map((one) => canonicalJson(compared(question.ask, one)));
  return we === go ? undefined : { text, we, go };
}

live('threat 5: what is accepted of 6,000 changed documents, Go reads alike', (t) => {
  const questions = fc.sample(documentQuestion, 6000);
  const answers = askGo(questions);
  const accepted = questions.filter((question) => ours(question) !== undefined);
  t.true(accepted.length > 300, `only ${accepted.length} accepted: the property says little`);
  t.deepEqual(
    questions.flatMap((question, at) => disagreement(question, answers[at]!) ?? []),
    [],
  );
});

test('threat 5: what is accepted of the recorded documents, Go read alike', (t) => {
  const lines = readFileSync(path.join(import.meta.dirname, 'recorded/documents.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{"recorded"'))
    .map((line) => JSON.parse(line) as { question: Document; answer: JsonAnswer });
  t.true(lines.length >= 200);
  t.deepEqual(
    lines.flatMap(({ question, answer }) => disagreement(question, answer) ?? []),
    [],
  );
});

/** Every key of a document with the object that it is in, but those of free maps. */
function* keysOf(
  value: unknown,
  trail: readonly (string | number)[] = [],
): Generator<readonly (string | number)[]> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* keysOf(item, [...trail, index]);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      yield [...trail, key];
      if (!freeMaps.includes(key)) yield* keysOf(member, [...trail, key]);
    }
  }
}

/** The document with the last key of the trail spelt otherwise; `both` keeps the right one beside it. */
function respelt(
  value: unknown,
  [at, ...rest]: readonly (string | number)[],
  spelling: string,
  both: boolean,
): unknown {
  if (Array.isArray(value))
    return value.map((item, index) =>
      index === at ? respelt(item, rest, spelling, both) : (item as unknown),
    );
  const entries = Object.entries(value as object).flatMap(([key, member]) => {
    if (key !== at) return [[key, member]];
    if (rest.length > 0) return [[key, respelt(member, rest, spelling, both)]];
    return [...(both ? [[key, member]] : []), [spelling, member]];
  });
  return Object.fromEntries(entries) as unknown;
}

const spellings = (key: string): readonly string[] =>
  [
    key.toUpperCase(),
    key.toLowerCase(),
    key.charAt(0).toUpperCase() + key.slice(1),
    key.replace(/s/i, '\u017f'),
    key.replace(/k/i, '\u212a'),
  ].filter((one, index, all) => one !== key && all.indexOf(one) === index);

const isAccepted = (ask: DocumentKind, value: unknown): boolean =>
  ours({ ask, document: Buffer.from(JSON.stringify(value)).toString('base64') }) !== undefined;

for (const ask of ['manifest', 'index', 'config'] as const) {
  test(`threat 5: in a ${ask}, every known name is refused under every other spelling, at every depth`, (t) => {
    const document = sampleDocuments[ask];
    t.true(isAccepted(ask, document));
    const trails = [...keysOf(document)];
    t.true(trails.length > 15);
    for (const trail of trails) {
      const key = String(trail.at(-1));
      for (const spelling of spellings(key)) {
        t.is(foldName(spelling), foldName(key));
        for (const both of [false, true])
          t.false(
            isAccepted(ask, respelt(document, trail, spelling, both)),
            `${trail.join('.')} as ${spelling}`,
          );
      }
      t.true(
        isAccepted(ask, respelt(document, trail, `x-${key}`, true)),
        `an unknown key beside ${trail.join('.')}`,
      );
    }
  });
}

const config = test.macro({
  exec(t, text: string, accepted: boolean) {
    t.is(ours({ ask: 'config', document: Buffer.from(text).toString('base64') }) !== undefined, accepted);
  },
  title: (given) => `an image config: ${given ?? ''}`,
});
test(
  'what Docker leaves null',
  config,
  '{"config":{"Volumes":null,"OnBuild":null,"Labels":null,"Entrypoint":null},"history":null}',
  true,
);
test('container_config spelt otherwise', config, '{"Container_Config":{}}', false);
test('a key of container_config spelt otherwise', config, '{"container_config":{"U\u017fer":"root"}}', false);
test('a user that is half a character', config, '{"config":{"User":"\\ud800"}}', false);
test(
  'an entrypoint as one string, which Docker takes and containerd does not',
  config,
  '{"config":{"Entrypoint":"/bin/sh"}}',
  false,
);
test('a timeout as 1e9', config, '{"config":{"Healthcheck":{"Timeout":1e9}}}', false);
test('a null among the diffIDs', config, '{"rootfs":{"diff_ids":[null]}}', false);
test('a list for the config', config, '{"config":[]}', false);

for (const literal of ['9.55e2', '955.0', '1e3', '-0', '0e0', '9007199254740993', '1E2', '0.0']) {
  test(`threat 19: a size that Go cannot read, or reads otherwise: ${literal}`, (t) => {
    const text = JSON.stringify(sampleDocuments.manifest).replace('"size":77', `"size":${literal}`);
    t.is(ours({ ask: 'manifest', document: Buffer.from(text).toString('base64') }), undefined);
  });
}

test('schemaVersion 2.0 is an error to Go', (t) => {
  const text = JSON.stringify(sampleDocuments.manifest).replace('"schemaVersion":2', '"schemaVersion":2.0');
  t.is(ours({ ask: 'manifest', document: Buffer.from(text).toString('base64') }), undefined);
});

test('data that is not the content of its digest: other programs would use it', (t) => {
  const withData = (data: unknown) => ({
    ...sampleDocuments.manifest,
    config: { mediaType: mediaTypes.ociConfig, digest: sha256('{}'), size: 2, data },
  });
  t.true(isAccepted('manifest', withData('e30=')));
  t.true(isAccepted('manifest', withData(null)));
  for (const data of ['e30', 'e31=', 'e30K', '!', 5, [], 'e30=\n'])
    t.false(isAccepted('manifest', withData(data)));
});
