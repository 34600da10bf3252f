import { readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '../support/identities.ts';
import { engineHost } from '../support/test-engine.ts';
import { runTool } from '../support/run-tool.ts';
import type { ToolResult } from '../support/run-tool.ts';
import { findTool, needing, notationOracle } from '../support/tools.ts';
import { startWorld } from './world.ts';
import type { World } from './world.ts';

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

const name = 'audited';

/** The page's script for a world, and what it says when it is pasted. */
function pageOf(world: World): string {
  const all = blocks();
  return [
    ...all
      .filter(({ kind }) => kind !== 'not-run')
      .map(({ kind, text }) =>
        kind === 'setup'
          ? text
              .replace(/^SANDBOX=.*$/m, `SANDBOX=${world.sandbox.directory}`)
              .replace(/^NAME=.*$/m, `NAME=${name}`)
              .replace(/^RELEASE=.*$/m, `RELEASE=${world.file(`${name}.release.json`)}`)
          : text,
      ),
    '',
  ].join('\n');
}

async function paste(script: string, flags: readonly string[]): Promise<ToolResult & { left: string[] }> {
  const [home, bin, checkout] = ['auditor', 'auditor-bin', 'auditor-checkout'].map(temporaryFolder) as [
    string,
    string,
    string,
  ];
  for (const tool of tools) symlinkSync(findTool(tool) ?? '', path.join(bin, tool));
  symlinkSync(notation ?? '', path.join(bin, 'notation'));
  // A file, not stdin: a tool that reads its input must not swallow the commands after it.
  const file = path.join(home, 'page.sh');
  writeFileSync(file, `cd ${checkout}\n${script}`);
  const result = await runTool('bash', [...flags, file], {
    PATH: `${bin}:/usr/bin:/bin`,
    HOME: home,
    TMPDIR: home,
  });
  return { ...result, left: readdirSync(checkout) };
}

testWithTools(
  'every command of the page works as it stands there, and says so when evidence is gone',
  async (t) => {
    const world = await startWorld(engineHost);
    t.teardown(() => world.close());
    world.image(name);
    for (const argv of [world.outside(name), world.inside(name)]) {
      const { exitCode, stdout, stderr } = await world.start(argv).ended;
      t.is(exitCode, 0, `${stderr}\n${stdout}`);
    }
    t.deepEqual([...new Set(blocks().map(({ kind }) => kind))].sort(), ['', 'not-run', 'sandbox', 'setup']);
    const script = pageOf(world);
    const { code, stdout, stderr, left } = await paste(script, ['-euo', 'pipefail']);
    t.is(code, 0, `${stdout}\n${stderr}`);
    t.deepEqual(left, [], 'pasting leaves nothing in the checkout');
    t.false(/FAILED/.test(stdout + stderr), stderr);
    for (const told of [
      /cert\.pem: OK$/m,
      /^Successfully verified signature for /m,
      /"verificationResult": "PASSED"/,
      /^image-manifest sha256:/m,
      /^ok: sbom is attached to the image$/m,
      /^everything on this page holds$/m,
    ])
      t.regex(stdout, told);

    const evidence = [
      ...stdout.matchAll(/^(signature|sbom|scan|provenance|image-manifest) (sha256:[0-9a-f]{64})$/gm),
    ];
    t.is(evidence.length, 5);
    for (const [, role = '', digest = ''] of evidence) {
      const gone = { kind: 'status', status: 404, body: { errors: [{ code: 'MANIFEST_UNKNOWN' }] } } as const;
      world.faults([{ host: 'contososec', path: `/manifests/${digest}`, action: gone }]);
      const without = await paste(script, []);
      t.not(without.code, 0, `${role}: ${without.stdout}`);
      t.regex(without.stderr, new RegExp(`^FAILED: ${role} is there and hashes to its digest$`, 'm'), role);
      t.regex(without.stdout, /^NOT everything on this page holds:$/m, role);
    }
    world.faults([]);
  },
);
