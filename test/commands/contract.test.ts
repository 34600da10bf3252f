import { Config } from '@oclif/core';
import test from 'ava';
import { loadOptions } from '../support/command-line.ts';

/**
 * Flags and arguments are a contract with other people's pipelines: a change is meant, or it is a mistake. After one that is meant:
 * `npx ava test/commands/contract.test.ts --update-snapshots`.
 */
test('every command with its arguments and flags', async (t) => {
  const config = await Config.load(loadOptions());
  const commands = config.commands
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, args, flags, strict = true }) => ({
      command: id.replaceAll(':', ' '),
      arguments: Object.values(args).map(
        ({ name, required = false }) => `${required ? name : `[${name}]`}${strict ? '' : '…'}`,
      ),
      flags: Object.values(flags)
        .map((flag) =>
          [
            `--${flag.name}`,
            flag.type === 'option' ? (flag.helpValue ?? flag.options?.join('|') ?? 'TEXT') : '',
            flag.required === true ? 'required' : '',
            flag.type === 'option' && flag.multiple === true ? 'several' : '',
            flag.env === undefined ? '' : `$${flag.env}`,
            flag.exclusive ? `not with ${flag.exclusive.join(', ')}` : '',
          ]
            .filter((part) => part !== '')
            .join(' '),
        )
        .sort(),
    }));
  t.snapshot(commands);
});

test('every command has a summary, takes --json and says what its arguments are', async (t) => {
  const config = await Config.load(loadOptions());
  t.is(config.commands.length, 17);
  for (const command of config.commands) {
    t.truthy(command.summary, command.id);
    t.true(command.enableJsonFlag, command.id);
    for (const arg of Object.values(command.args)) t.truthy(arg.description, `${command.id} ${arg.name}`);
    for (const flag of Object.values(command.flags))
      if (flag.name !== 'json') t.truthy(flag.description, `${command.id} --${flag.name}`);
  }
});
