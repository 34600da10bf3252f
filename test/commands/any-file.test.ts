import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { startTwoZones } from '../support/two-zones.ts';
import type { TwoZones } from '../support/two-zones.ts';

/** Whatever stands where a file is expected: an answer with words, never a stack, never a bug of ours, never a wait for ever. */
let world: TwoZones;
let good: string;
const files: Record<string, string | Buffer> = {};
test.before(async (t) => {
  world = await startTwoZones();
  good = world.image('any-file').file;
  // So that what comes after the first step is asked for its files, too.
  for (const command of ['build', 'scan', 'publish', 'sign']) await world.run(t, [command, good]);
  const place = world.file('any');
  mkdirSync(place);
  const at = (name: string): string => join(place, name);
  mkdirSync(at('directory'));
  execFileSync('mkfifo', [at('pipe')]);
  writeFileSync(at('empty'), '');
  writeFileSync(at('binary'), Buffer.from([0, 1, 2, 0xff, 0xfe, 0x80, 10, 0]));
  writeFileSync(at('word'), 'nothing of the kind');
  writeFileSync(at('null.json'), 'null');
  writeFileSync(at('deep.json'), '['.repeat(100_000));
  writeFileSync(at('string.json'), `{"a":"${'x'.repeat(900_000)}"}`);
  const huge = openSync(at('huge'), 'w');
  ftruncateSync(huge, 5 * 1024 ** 3);
  closeSync(huge);
  symlinkSync('/nowhere/at/all', at('dangling'));
  symlinkSync('loop', at('loop'));
  for (const name of [
    'directory',
    'pipe',
    'empty',
    'binary',
    'word',
    'null.json',
    'deep.json',
    'string.json',
    'huge',
    'dangling',
    'loop',
  ])
    files[name] = at(name);
  files['nothing'] = at('nothing');
  files['below a file'] = at('empty/x');
  files['a long name'] = at('x'.repeat(5000));
  files['/dev/full'] = '/dev/full';
  files['/dev/zero'] = '/dev/zero';
  files['/dev/null'] = '/dev/null';
  files['/proc/self/mem'] = '/proc/self/mem';
  files['/proc/nothing'] = '/proc/nothing/x';
});
test.after.always(() => world.close());

const positions: Readonly<Record<string, (file: string) => readonly string[]>> = {
  'build IMAGE': (file) => ['build', file],
  'scan IMAGE': (file) => ['scan', file],
  'publish IMAGE': (file) => ['publish', file],
  'sign IMAGE': (file) => ['sign', file],
  'release IMAGE': (file) => ['release', file],
  'promote IMAGE': (file) => ['promote', file],
  'promote --inside': (file) => ['promote', '--inside', file],
  'import RELEASE': (file) => ['import', file],
  'verify RELEASE': (file) => ['verify', file],
  'register RELEASE': (file) => ['register', file],
  'run RELEASE': (file) => ['run', file],
  'status IMAGE': (file) => ['status', file],
  '--zones': (file) => ['status', good, '--zones', file],
  '--policy': (file) => ['scan', good, '--policy', file],
  '--key': (file) => ['release', good, '--key', file],
  '--certificate': (file) => ['sign', good, '--certificate', file],
  '--database': (file) => ['scan', good, '--database', file],
  'build --store': (file) => ['build', good, '--store', file],
  'store prune --store': (file) => ['store', 'prune', '--store', file],
  'init --dir': (file) => ['init', '--dir', file, '--organisation', 'F', '--state', 'K', '--country', 'JP'],
  'release --out': (file) => ['release', good, '--out', file],
};

/** `build --store DIRECTORY` and the like are right uses. */
const mayBeFine = /--store|--dir|--database|status/;

for (const [position, argv] of Object.entries(positions)) {
  test.serial(`${position}: whatever the file is`, async (t) => {
    for (const [name, file] of Object.entries(files)) {
      // A store or a directory that could be made there would litter the machine.
      if (/--store|--dir|--out/.test(position) && name === 'a long name') continue;
      const { exitCode, stdout, stderr } = await world.run(t, argv(String(file)));
      const told = `${position} ${name}: ${String(exitCode)} ${stdout.slice(0, 200)} ${stderr.slice(0, 2000)}`;
      t.true([2, 10, 20].includes(exitCode) || (exitCode === 0 && mayBeFine.test(position)), told);
      t.notRegex(stdout + stderr, /^\s+at |INTERNAL|TypeError|RangeError/m, told);
      if (exitCode !== 0) t.regex(stderr + stdout, /next: |refused|could not/, told);
    }
  });
}
