import type { Descriptor } from '../../src/domain/descriptor.ts';
import { copyContent } from '../../src/oci/copy.ts';
import { createRegistry } from '../../src/oci/registry/registry.ts';

/** Child of a test: copies one image between two loopback ports and reports its own peak memory, in bytes. */
process.once('message', (message) => {
  const { ports, root } = message as { ports: [number, number]; root: Descriptor };
  const [from, to] = ports.map((port) =>
    createRegistry({ host: `127.0.0.1:${String(port)}`, scheme: 'http' }),
  );
  if (!from || !to) throw new Error('two ports, please');
  void copyContent({ from: from.repository('a'), to: to.repository('b'), root }).then(() => {
    process.send?.({ peak: process.resourceUsage().maxRSS * 1024 });
    process.disconnect();
  });
});
