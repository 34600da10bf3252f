import { BaseCommand } from '../../src/cli/base-command.ts';

export default class StorePrune extends BaseCommand {
  static override summary = 'Free what no tagged image and none of its evidence needs.';

  async run(): Promise<{ removed: number; bytes: number }> {
    const { flags } = await this.parse(StorePrune);
    const { readSettings } = await import('../../src/cli/settings.ts');
    const { openStore } = await import('../../src/oci/store/store.ts');
    const { bytes } = await import('../../src/cli/text.ts');
    const store = await openStore(readSettings(flags).store);
    const { removed, bytes: freed } = await store.prune();
    this.print(`${store.directory}: ${removed} files removed, ${bytes(freed)} freed`);
    return { removed, bytes: freed };
  }
}
