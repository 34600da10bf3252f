import path from 'node:path';
import test from 'ava';
import { readRecipe } from '../../../src/steps/build/recipe.ts';
import { archiveEngine } from '../../support/archive-engine.ts';
import { temporaryDirectory } from '../../support/temp-directory.ts';

const honest = 'FROM scratch\nRUN <<EOF\nx\nEOF\n';

for (const [what, dockerfile, hereDocuments, isTaken, asked] of [
  ['one that all builders read alike', 'FROM scratch\nCOPY . /\n', undefined, true, 0],
  ['here-documents, for an engine that knows them', honest, 'known', true, 1],
  ['here-documents, for Docker 20.10', honest, 'by syntax', false, 1],
  ['the same with # syntax=', `# syntax=docker/dockerfile:1\n${honest}`, 'by syntax', true, 1],
  ['here-documents, for an engine that does not say', honest, undefined, true, 1],
] as const) {
  test(`a Dockerfile is ${isTaken ? 'taken' : 'refused with its line'}: ${what}`, async (t) => {
    const directory = await temporaryDirectory(t, { Dockerfile: dockerfile });
    let versions = 0;
    const engine = {
      ...archiveEngine(),
      version: async () => {
        versions += 1;
        return { name: 'x', version: '1', ...(hereDocuments === undefined ? {} : { hereDocuments }) };
      },
    };
    const recipe = readRecipe(
      {
        kind: 'build',
        context: directory,
        dockerfile: 'Dockerfile',
        args: {},
        platform: { os: 'linux', architecture: 'amd64' },
        builder: 'engine',
      },
      { engine: async () => engine, onLog: () => undefined },
    );
    if (isTaken) await t.notThrowsAsync(recipe);
    else {
      const message = new RegExp(`^${path.join(directory, 'Dockerfile')}, line \\d+: .*here-documents`);
      await t.throwsAsync(recipe, { code: 'MANIFEST_INVALID', message });
    }
    t.is(versions, asked);
  });
}
