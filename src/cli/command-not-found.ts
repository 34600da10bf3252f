import type { Hook } from '@oclif/core';
import { AmlpromoteError } from '../domain/errors.ts';
import { suggest } from '../manifest/suggest.ts';
import { errorBody, renderError } from './error.ts';

/** A mistyped command is a usage error like any other: the same exit code, one document under `--json`, and a guess what was meant. */
export const commandNotFound: Hook<'command_not_found'> = ({ id, argv = [], config }) => {
  const [first = '', second] = id.split(':');
  const commands = config.commandIDs.map((known) => known.split(':'));
  const isTopic = commands.some(([topic, ...rest]) => topic === first && rest.length > 0);
  const candidates = isTopic
    ? commands.flatMap(([topic, name]) => (topic === first && name !== undefined ? [name] : []))
    : commands.flatMap(([name]) => name ?? []);
  const word = isTopic ? (second ?? '') : first;
  const meant = suggest(word, candidates);
  const topic = isTopic ? `${first} ` : '';
  // oclif takes what follows a command without arguments for a part of the command's name.
  const error = candidates.includes(word)
    ? new AmlpromoteError('USAGE', `${topic}${word} takes flags only, no argument`, {
        nextSteps: [`${config.bin} ${topic}${word} --help lists its flags.`],
      })
    : new AmlpromoteError('USAGE', `there is no command ${topic}${word.slice(0, 100)}`, {
        nextSteps: [
          ...(meant === undefined ? [] : [`Did you mean ${config.bin} ${topic}${meant}?`]),
          `${config.bin} ${topic}--help lists the commands.`,
        ],
      });
  process.exitCode = error.exitCode;
  if (argv.includes('--json'))
    process.stdout.write(`${JSON.stringify({ error: errorBody(error) }, undefined, 2)}\n`);
  else process.stderr.write(`${renderError(error)}\n`);
  // Anything true: it has been dealt with.
  return Promise.resolve(true);
};
