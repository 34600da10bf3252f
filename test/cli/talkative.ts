/**
 * A process of its own for the tests: `node talkative.ts FILE CODE`. Talks much on both streams, then leaves FILE behind and ends
 * with CODE: as a promotion does.
 */
import '../../bin/streams.js';
import * as Args from '@oclif/core/args';
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { BaseCommand } from '../../src/cli/base-command.ts';
import { loadOptions } from '../support/command-line.ts';

class Talkative extends BaseCommand {
  static override args = { file: Args.string({ required: true }), code: Args.integer({ required: true }) };

  async run(): Promise<unknown> {
    const { args } = await this.parse(Talkative);
    const progress = this.progress();
    for (let step = 0; step < 20; step += 1) {
      progress({ type: 'started', step: 'publish', subject: 'x'.repeat(1000) });
      this.print('y'.repeat(10_000));
      await delay(5);
    }
    writeFileSync(args.file, 'done');
    this.conclude(args.code);
    return { verdict: 'refused', text: 'z'.repeat(200_000) };
  }
}
Talkative.id = 'talkative';
await Talkative.run(process.argv.slice(2), loadOptions());
