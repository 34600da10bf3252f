import { spawnSync } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { ImplementationFn } from 'ava';
import test from 'ava';
import type { ConnectedEngine } from '../../src/adapters/docker/connect.ts';
import { connectEngine } from '../../src/adapters/docker/connect.ts';

/** Where the engine for tests listens; `npm test` finds or starts one and sets this. */
export const engineHost: string | undefined = process.env.AMLPROMOTE_TEST_DOCKER_HOST;

/** A test against the real engine; skipped where there is none, and the title says why. */
export function engineTest(title: string, run: ImplementationFn<[]>): void {
  (engineHost === undefined ? test.skip : test)(`${title} (needs a Docker engine)`, run);
}

export const testEngine = (): Promise<ConnectedEngine> => connectEngine({ host: engineHost });

/** The base of the samples, where it has been made (`npm test` does); it takes a minute, so tests do not make it. */
export const sampleBase = 'amlpromote/base:bookworm-python';

/** True when the engine has the image. Asked while tests are loaded, hence synchronously. */
export function engineHas(reference: string): boolean {
  if (engineHost === undefined) return false;
  const script = `
    const { connectEngine } = await import(${JSON.stringify(new URL('../../src/adapters/docker/connect.ts', import.meta.url).href)});
    const found = await (await connectEngine({ host: process.argv[1] })).inspect(process.argv[2]);
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
  return tar;
}
