import { AmlpromoteError } from '../../src/domain/errors.ts';
import { dialects } from '../../src/dockerfile/dialect.ts';
import { parseDockerfile } from '../../src/dockerfile/parse.ts';
import { contextOf, engineTest, testEngine } from '../support/engine.ts';

/** Read in two ways; each a Dockerfile that this engine builds, without pulling anything. */
for (const [what, text] of [
  [
    'a here-document',
    'FROM scratch AS a\nLABEL a=b\nCOPY f /f\nONBUILD COPY <<"USER 1" /x\nFROM scratch AS b\nUSER 1\n',
  ],
  [
    'check before escape',
    '# check=skip=all\n# escape=`\nFROM scratch AS a\nLABEL a=x`\nFROM scratch AS b\nCOPY f /f\n',
  ],
  [
    'a comment within a continued line',
    'FROM scratch AS a\nLABEL a=x \\\n# FROM c\n\n  b=y\nFROM scratch AS b\nCOPY f /f\n',
  ],
  ['another escape', '# escape=`\nFROM scratch AS a\nLABEL a=x \\\nFROM scratch AS b\nCOPY f /f\n'],
] as const) {
  engineTest(`Docker before 23 sees the stages that the classic dialect sees: ${what}`, async (t) => {
    const engine = await testEngine();
    if ((await engine.version()).hereDocuments !== 'by syntax') {
      t.log('this engine is a newer one');
      t.pass();
      return;
    }
    const context = await contextOf({ Dockerfile: text, f: 'x' });
    const log: string[] = [];
    const built = engine.build({
      context: () => context,
      dockerfile: 'Dockerfile',
      args: {},
      platform: { os: 'linux', architecture: 'amd64' },
      labels: {},
      onLog: (line) => log.push(line),
    });
    await built.catch((error: unknown) => {
      t.true(error instanceof AmlpromoteError);
    });
    const seen = log.flatMap((line) => /^Step \d+\/\d+ : FROM \S+ AS (\S+)/.exec(line)?.[1] ?? []);
    let expected: readonly (string | undefined)[] = [];
    try {
      expected = parseDockerfile(text, dialects.classic).stages.map(({ name }) => name);
    } catch {
      // Refused by both: the engine runs no step.
    }
    t.deepEqual(seen, expected);
  });
}
