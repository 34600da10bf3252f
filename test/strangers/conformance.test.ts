import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { startTestSandbox, temporaryDirectory } from '../../sandbox/test/support/sandbox.ts';
import { programs, stranger } from './strangers.ts';
import { needing } from '../support/tools.ts';

needing(stranger('conformance', true))('the OCI conformance suite passes against a registry', async (t) => {
  t.timeout(120_000);
  const sandbox = await startTestSandbox(t);
  const results = temporaryDirectory(t);
  const { exitCode, all } = await execa(programs.conformance ?? '', [], {
    reject: false,
    all: true,
    cwd: results,
    extendEnv: false,
    env: {
      OCI_REGISTRY: sandbox.description.registries.nonsensitive.loopback,
      OCI_TLS: 'disabled',
      OCI_VERSION: '1.1',
      OCI_REPO1: 'conformance/one',
      OCI_REPO2: 'conformance/two',
      OCI_RESULTS_DIR: results,
      // What the registry does not store: the sandbox knows sha256 alone, as the product does.
      OCI_DATA_SHA512: 'false',
    },
  });
  t.is(exitCode, 0, all);
  const summary = readFileSync(join(results, 'junit.xml'), 'utf8');
  const [, tests = '0', failures] = /tests="(\d+)" failures="(\d+)"/.exec(summary) ?? [];
  t.true(Number(tests) > 500, 'the suite ran');
  t.is(failures, '0');
});
