import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '../support/identities.ts';
import { engineHost } from '../support/test-engine.ts';
import { runTool } from '../support/run-tool.ts';
import { findTool, needing, notationOracle } from '../support/tools.ts';
import { startWorld } from './world.ts';

/**
 * docs/verify-with-public-tools.md, pasted into a shell block after block: only the block `sh setup` gets other values, and
 * `sh not-run` needs Azure. Where notation is not installed, our program over its libraries goes by its name: it has the one
 * command of the page, `verify`, and reads the same trust store and trust policy.
 */
const page = new URL('../../docs/verify-with-public-tools.md', import.meta.url);
const tools = ['cosign', 'oras', 'crane', 'skopeo', 'jq', 'openssl'];
const notation = findTool('notation') ?? findTool(notationOracle);
const testWithTools = needing(
  { name: `notation or ${notationOracle}`, isHere: notation !== undefined },
  ...tools,
);

interface Block {
  readonly kind: string;
  readonly text: string;
}

const blocks = (): readonly Block[] =>
  [...readFileSync(page, 'utf8').matchAll(/^```sh *(.*)\n([^]*?)^```$/gm)].map(
    ([, kind = '', script = '']) => ({
      kind,
      text: script,
    }),
  );

testWithTools('every command of the page works as it stands there', async (t) => {
  const name = 'audited';
  const world = await startWorld(engineHost);
  t.teardown(() => world.close());
  world.image(name);
  for (const argv of [world.outside(name), world.inside(name)]) {
    const { exitCode, stdout, stderr } = await world.start(argv).ended;
    t.is(exitCode, 0, `${stderr}\n${stdout}`);
  }
  const all = blocks();
  t.deepEqual([...new Set(all.map(({ kind }) => kind))].sort(), ['', 'not-run', 'sandbox', 'setup']);
  const script = all
    .filter(({ kind }) => kind !== 'not-run')
    .map((block) =>
      block.kind === 'setup'
        ? block.text
            .replace(/^SANDBOX=.*$/m, `SANDBOX=${world.sandbox.directory}`)
            .replace(/^NAME=.*$/m, `NAME=${name}`)
            .replace(/^RELEASE=.*$/m, `RELEASE=${world.file(`${name}.release.json`)}`)
        : block.text,
    );
  const home = temporaryFolder('auditor');
  const bin = temporaryFolder('auditor-bin');
  for (const tool of tools) symlinkSync(findTool(tool) ?? '', path.join(bin, tool));
  symlinkSync(notation ?? '', path.join(bin, 'notation'));
  // A file, not stdin: a tool that reads its input must not swallow the commands after it.
  const file = path.join(home, 'page.sh');
  writeFileSync(file, ['cd "$HOME"', ...script, 'echo the page is through', ''].join('\n'));
  const { code, stdout, stderr } = await runTool('bash', ['-euo', 'pipefail', file], {
    PATH: `${bin}:/usr/bin:/bin`,
    HOME: home,
  });
  t.is(code, 0, `${stdout}\n${stderr}`);
  for (const told of [
    /cert\.pem: OK$/m,
    /^Successfully verified signature for /m,
    /"verificationResult": "PASSED"/,
    /^image-manifest sha256:/m,
    /^the page is through$/m,
  ])
    t.regex(stdout, told);
});
