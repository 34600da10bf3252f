import { readFlags } from './flags.ts';
import type { Instruction } from './instructions.ts';
import { blanks, isSpace, lower, trimStart } from './go-text.ts';
import { Unreadable } from './unreadable.ts';
import { quotedWords } from './words.ts';

const single = new Set(['maintainer', 'workdir', 'user', 'stopsignal']);
const pairs = new Set(['env', 'label']);
const commands = new Set(['cmd', 'entrypoint', 'healthcheck', 'expose', 'volume', 'shell']);

/**
 * Instructions that name no image are read as far as to know that they are instructions; the engine reads the rest.
 * @throws Unreadable for a word that is none, and for arguments without which no builder takes it
 */
export function checkInstruction({ word, flags, rest, json, line, escape }: Instruction): void {
  if (!single.has(word) && !pairs.has(word) && !commands.has(word)) {
    throw new Unreadable(
      line,
      word === '' ? 'there is no instruction' : `${word.toUpperCase()} is no instruction`,
    );
  }
  if (word === 'healthcheck') checkHealth(rest, line);
  const isNone = word === 'healthcheck' && /^none$/i.test(rest);
  if (!isNone) readFlags(word, flags, line);
  if (pairs.has(word)) checkPairs(word, rest, escape, line);
  const empty = word === 'volume' && json ? json.length === 0 : rest === '';
  if (empty && word !== 'cmd' && word !== 'entrypoint') {
    throw new Unreadable(line, `${word.toUpperCase()} lacks its argument`);
  }
  if (word === 'shell' && (json?.length ?? 0) === 0) throw new Unreadable(line, 'SHELL takes a JSON array');
}

/** `NONE`, or `CMD` and a command. */
function checkHealth(rest: string, line: number): void {
  const type = Array.from(rest).findIndex((character) => isSpace(character));
  const word = lower(type < 0 ? rest : rest.slice(0, type));
  const more = type < 0 ? '' : trimStart(rest.slice(type));
  if (word === 'none' ? more !== '' : word !== 'cmd' || more === '') {
    throw new Unreadable(line, 'HEALTHCHECK takes NONE, or CMD and a command');
  }
}

/** `NAME value`, or `NAME=value …`. */
function checkPairs(word: string, rest: string, escape: string, line: number): void {
  const [first, ...others] = quotedWords(rest, escape);
  if (first === undefined) throw new Unreadable(line, `${word.toUpperCase()} lacks its argument`);
  if (!first.includes('=')) {
    if (!blanks.test(rest)) throw new Unreadable(line, `${word.toUpperCase()} lacks a value`);
    return;
  }
  if (others.some((each) => !each.includes('='))) {
    throw new Unreadable(line, `${word.toUpperCase()} takes NAME=value, and something there is none`);
  }
  if ([first, ...others].some((each) => each.startsWith('='))) {
    throw new Unreadable(line, `${word.toUpperCase()} lacks a name`);
  }
}
