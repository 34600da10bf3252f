import { spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { engineHost, engineTest } from './test-engine.ts';
import type { ConnectedEngine } from '../../src/adapters/docker/engine.ts';
import { connectEngine } from '../../src/adapters/docker/engine.ts';

export { engineTest };

export const testEngine = (): Promise<ConnectedEngine> =>
  connectEngine({ hosts: engineHost === undefined ? [] : [engineHost] });

/** The base of the samples, where it has been made (`npm test` does); it takes a minute, so tests do not make it. */
export const sampleBase = 'amlpromote/base:bookworm-python';

/** True when the engine has the image. Asked while tests are loaded, hence synchronously. */
export function engineHas(reference: string): boolean {
  if (engineHost === undefined) return false;
  const script = `
    const { connectEngine } = await import(${JSON.stringify(new URL('../../src/adapters/docker/engine.ts', import.meta.url).href)});
    const found = await (await connectEngine({ hosts: [process.argv[1]] })).inspect(process.argv[2]);
    process.exit(found ? 0 : 1);`;
  return (
    spawnSync(process.execPath, ['--input-type=module', '--eval', script, engineHost, reference], {
      stdio: 'ignore',
    }).status === 0
  );
}

/** A build context from file contents, as the tar that an engine takes. */
export async function contextOf(files: Readonly<Record<string, string>>): Promise<Readable> {
  const { pack } = await import('tar-stream');
  const tar = pack();
  for (const [name, content] of Object.entries(files)) {
    tar.entry({ name, mtime: new Date(0), mode: 0o644 }, content);
  }
  tar.finalize();
  return Readable.from(tar, { objectMode: false });
}
