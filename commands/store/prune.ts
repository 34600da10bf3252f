import { BaseCommand } from '../../src/cli/base-command.ts';

export default class StorePrune extends BaseCommand {
  static override summary = 'Free what no tagged image and none of its evidence needs.';

  async run(): Promise<{ removed: number; bytes: number }> {
    const { flags } = await this.parse(StorePrune);
    const { readSettings } = await import('../../src/cli/settings.ts');
    const { isStore, openStore } = await import('../../src/oci/store/store.ts');
    const { bytes } = await import('../../src/cli/text.ts');
    const directory = readSettings(flags).store;
    if (!(await isStore(directory))) {
      this.print(`${directory}: there is no store, so nothing was pruned`);
      return { removed: 0, bytes: 0 };
    }
    const store = await openStore(directory);
    const { removed, bytes: freed } = await store.prune();
    this.print(`${store.directory}: ${removed} files removed, ${bytes(freed)} freed`);
    return { removed, bytes: freed };
  }
}
