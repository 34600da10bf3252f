/**
 * A process of its own for the tests: `node worker.ts DIR MODE [N]`. It says what it does on standard output, one line
 * each, and a test kills it where it wants.
 */
import { mkdirSync } from 'node:fs';
import { Readable } from 'node:stream';
import { createLock } from '../../../src/oci/store/lock.ts';
import { storePaths } from '../../../src/oci/store/paths.ts';
import { openStore } from '../../../src/oci/store/store.ts';
import { descriptorOf, pushImage } from './support.ts';

const [directory = '', mode = '', count = '1'] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const forever = (): Promise<never> => new Promise(() => setInterval(() => undefined, 1000));

switch (mode) {
  case 'hold-lock': {
    const paths = storePaths(directory);
    mkdirSync(paths.locks, { recursive: true });
    mkdirSync(paths.temporary, { recursive: true });
    await createLock(paths)(async () => {
      say('held');
      await forever();
    });
    break;
  }
  case 'half-blob': {
    const repository = (await openStore(directory)).repository('a');
    let pushed = 0;
    const slow = new Readable({
      read() {
        if (pushed++ < 40) this.push(Buffer.alloc(100_000));
        else say('half');
      },
    });
    await Promise.race([
      repository.pushBlob({ ...descriptorOf('never'), size: 2 ** 30 }, async () => slow),
      forever(),
    ]);
    break;
  }
  case 'pushes': {
    const repository = (await openStore(directory)).repository('a');
    for (let index = 0; index < Number(count); index += 1) {
      const name = `${String(process.pid)}-${String(index)}`;
      await pushImage(repository, [`layer ${name}`], { tag: name });
      say(name);
    }
    break;
  }
  case 'unfinished': {
    const repository = (await openStore(directory)).repository('a');
    await repository.pushBlob(descriptorOf('unfinished'), async () =>
      Readable.from([Buffer.from('unfinished')]),
    );
    say('written');
    await forever();
    break;
  }
  default:
    throw new Error(`unknown mode ${mode}`);
}
