import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { clientHosts } from '../clients.ts';
import { startDetached } from '../detach.ts';
import { stopSandbox } from '../lifecycle.ts';
import { runInShell } from '../shell.ts';
import { hosts, registries } from '../topology.ts';
import { startTestSandbox, temporaryDirectory } from './support/sandbox.ts';
import { needing } from '../../test/support/tools.ts';
import { SandboxAgent } from './support/agent.ts';
import { wire } from './support/wire.ts';

const canListen = await new Promise<boolean>((resolve) => {
  const server = createServer();
  server.once('error', () => resolve(false));
  server.listen(443, '127.77.255.1', () => server.close(() => resolve(true)));
});
const canMount = spawnSync('unshare', ['--mount', 'true']).status === 0;
const port = { name: 'port 443', isHere: canListen };
const test443 = needing(port);
const testShell = needing(port, { name: 'unshare --mount', isHere: canMount });

test443('both vantages answer on port 443 of addresses of their own', async (t) => {
  const sandbox = await startTestSandbox(t, { tls443: true });
  const { tls443, directory } = sandbox.description;
  t.regex(tls443?.outside ?? '', /^127\.77\.\d+\.1$/);
  const ca = readFileSync(join(directory, 'ca.pem'));
  const statusOf = async (side: 'outside' | 'inside', host: string) => {
    const agent = new SandboxAgent(443, { ca }, tls443![side]);
    t.teardown(() => agent.destroy());
    return (await wire(`https://${host}/v2/`, { agent })).status;
  };
  t.is(await statusOf('outside', registries.nonsensitive.host), 401);
  t.is(await statusOf('outside', registries.sensitive.host), 403);
  t.is(await statusOf('inside', registries.sensitive.host), 401);
});

test443('two sandboxes do not share addresses, and one keeps its own', async (t) => {
  const first = await startTestSandbox(t, { tls443: true });
  const second = await startTestSandbox(t, { tls443: true });
  t.not(first.description.tls443?.outside, second.description.tls443?.outside);
  await second.stop();
  await first.stop();
  const again = await startTestSandbox(t, { tls443: true, dir: second.description.directory });
  t.deepEqual(again.description.tls443, second.description.tls443);
});

test443('files for clients: hosts, trust, variables; nothing of it without --tls-443', async (t) => {
  const { description } = await startTestSandbox(t, { tls443: true });
  const { directory, tls443 } = description;
  const text = (path: string): string => readFileSync(join(directory, path), 'utf8');
  for (const host of clientHosts) {
    t.true(text('outside/hosts').includes(`\n${tls443!.outside} ${host}\n`), host);
    t.true(text('inside/hosts').includes(`\n${tls443!.inside} ${host}\n`), host);
  }
  t.true(text('ca-bundle.pem').startsWith(text('ca.pem').trim()));
  t.true((text('ca-bundle.pem').match(/BEGIN CERTIFICATE/g) ?? []).length > 50, 'public roots are in it too');
  t.is(statSync(join(directory, 'inside/clients.env')).mode & 0o777, 0o600);
  const read = spawnSync('sh', [
    '-c',
    `. ${directory}/inside/clients.env; echo "$AZURE_CONFIG_DIR $IDENTITY_ENDPOINT"`,
  ]);
  t.regex(read.stdout.toString(), new RegExp(`^${directory}/inside/azure http://127\\.0\\.0\\.1:`));
  t.notRegex(text('outside/clients.env'), /IDENTITY/);
  const plain = await startTestSandbox(t);
  t.is(plain.description.tls443, undefined);
  t.throws(() => readFileSync(join(plain.description.directory, 'outside/hosts')));
});

testShell('a program in the shell finds the sandbox, and only there', async (t) => {
  const { description } = await startTestSandbox(t, { tls443: true });
  const { directory } = description;
  const before = readFileSync('/etc/hosts', 'utf8');
  const run = (side: 'outside' | 'inside', script: string) =>
    runInShell({
      dir: directory,
      side,
      command: ['sh', '-c', script, 'sh', 'a b', "it's"],
      environment: { PATH: process.env.PATH, NO_PROXY: 'mine.test' },
    });
  const checks = [
    `grep -q '${description.tls443!.inside} ${hosts.arm}' /etc/hosts`,
    '[ "$1" = "a b" ] && [ "$2" = "it\'s" ]',
    `[ "$AZURE_CONFIG_DIR" = "${directory}/inside/azure" ]`,
    'case "$no_proxy" in *mine.test) ;; *) exit 9 ;; esac',
  ];
  t.is(await run('inside', checks.join(' && ')), 0);
  t.is(await run('outside', 'exit 7'), 7);
  t.is(await run('outside', 'kill -TERM $$'), 143);
  t.is(readFileSync('/etc/hosts', 'utf8'), before);
});

test('the shell wants a sandbox that listens on port 443', async (t) => {
  const environment = {};
  const options = { side: 'outside', command: ['true'], environment } as const;
  await t.throwsAsync(runInShell({ ...options, dir: temporaryDirectory(t) }), {
    code: 'USAGE',
    message: /No sandbox runs/,
  });
  const { directory } = (await startTestSandbox(t)).description;
  await t.throwsAsync(runInShell({ ...options, dir: directory }), { code: 'USAGE', message: /port 443/ });
});

test443('as a process of its own, and not beside one that runs without', async (t) => {
  const dir = temporaryDirectory(t);
  t.teardown(() => stopSandbox(dir));
  t.is((await startDetached({ dir })).tls443, undefined);
  await t.throwsAsync(startDetached({ dir, tls443: true }), { code: 'USAGE', message: /without --tls-443/ });
  await stopSandbox(dir);
  t.truthy((await startDetached({ dir, tls443: true })).tls443);
});
