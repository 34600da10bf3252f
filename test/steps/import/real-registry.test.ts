import { loadTrust } from '../../../src/evidence/trust.ts';
import { silent } from '../../../src/domain/events.ts';
import { createRegistry } from '../../../src/oci/registry/registry.ts';
import { createRegistryRoute } from '../../../src/oci/registry-route.ts';
import type { Locks } from '../../../src/ports/importer.ts';
import { importRelease } from '../../../src/steps/import.ts';
import { verifyRelease } from '../../../src/steps/verify.ts';
import { startDockerRegistry } from '../../support/docker-registry.ts';
import { keysAndPolicy, quarantine, repository } from '../../support/import-world.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { pushRelease } from '../../support/signed-release.ts';
import { needing } from '../../support/tools.ts';

const noLocks: Locks = {
  lockManifest: async () => undefined,
  unlockManifest: async () => undefined,
  lockTag: async () => undefined,
};

needing('docker-registry')(
  'an import between registries without a referrers API: the target keeps its own lists',
  async (t) => {
    const servers = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
    t.teardown(async () => Promise.all(servers.map(async (server) => server.stop())));
    const [dev, sec] = servers.map(({ host }) => createRegistry({ host, scheme: 'http' }));
    const { identities, policy } = await keysAndPolicy();
    const trust = await loadTrust(policy);
    const clock = manualClock('2026-11-21T12:00:00Z');
    const made = await pushRelease(dev!.repository(repository), {
      now: clock.now(),
      signer: identities.releaseSigner,
    });
    const run = async (document = made.document) =>
      importRelease(
        { document, trust },
        {
          importer: createRegistryRoute(dev!, sec!),
          registry: sec!,
          locks: noLocks,
          signer: identities.receiptSigner,
          clock,
          progress: silent,
          toolVersion: '0.1.0',
        },
      );
    const report = await run();
    const final = sec!.repository(repository);
    const attached = await final.referrers(made.image.digest);
    const expected = [...Object.entries(made.parts), ['receipt', { digest: report.receipt }] as const].map(
      ([, { digest }]) => digest,
    );
    t.deepEqual(attached.map(({ digest }) => digest).sort(), [...expected].sort());
    t.deepEqual(
      (await final.referrers(made.index.digest)).map(({ digest }) => digest),
      [...made.document.signatures],
    );
    // In quarantine the tag schema's lists are all the tags there are.
    const waiting = await sec!.repository(quarantine).tags();
    t.true(waiting.every((tag) => tag.startsWith('sha256-')));
    // Nobody has to name the signatures: they are found.
    const { verdict } = await verifyRelease(
      {
        document: { ...made.document, signatures: [] },
        host: sec!.host,
        repository,
        content: final,
        receipts: final,
        trust,
      },
      { clock, progress: silent },
    );
    t.is(verdict, 'allowed');
    const again = await run();
    t.true(again.already);
    t.is(again.receipt, report.receipt);
    t.is((await final.referrers(made.image.digest)).length, attached.length);
  },
);
