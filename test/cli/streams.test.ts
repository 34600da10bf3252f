import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../support/temp-directory.ts';
import { needing } from '../support/tools.ts';

const talkative = fileURLToPath(new URL('talkative.ts', import.meta.url));
const main = fileURLToPath(new URL('../../bin/dev.js', import.meta.url));

/** Runs a line of bash with the commands `amlpromote` and `talkative`; its exit code is the first one of the pipe. */
const shell = (line: string, directory: string): Promise<{ code: number; stderr: string }> =>
  new Promise((resolve) => {
    const prelude = [
      `amlpromote() { '${process.execPath}' '${main}' "$@"; }`,
      `talkative() { '${process.execPath}' '${talkative}' "$@"; }`,
    ];
    const script = [...prelude, line, 'exit ${PIPESTATUS[0]}'].join('\n');
    execFile('bash', ['-c', script], { cwd: directory, timeout: 60_000 }, (error, _stdout, stderr) => {
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : -1) : 0, stderr });
    });
  });

const shellTest = needing('bash', 'cat', 'head', 'sleep', 'true');

const ends = (title: string, line: string, code: number, told?: RegExp): void =>
  shellTest(title, async (t) => {
    const directory = await temporaryDirectory(t);
    const result = await shell(line, directory);
    t.is(result.code, code, result.stderr);
    t.notRegex(result.stderr, /^\s+at |INTERNAL|Error:|timed out/m);
    if (told) t.regex(result.stderr, told);
    // However it was listened to, the work was done.
    if (line.startsWith('talkative')) t.is(readFileSync(join(directory, 'file'), 'utf8'), 'done');
  });

ends('a refusal stays one when the reader of stdout leaves early', 'talkative file 10 | head -c 1', 10);
ends('… and under --json', 'talkative file 10 --json | head -c 1', 10);
ends('… and "could not check", too', 'talkative file 20 --json | head -c 1', 20);
ends('success stays success for a reader that has seen enough', 'talkative file 0 | head -c 1', 0);
ends('a slow reader is waited for', 'talkative file 10 --json | (sleep 12; cat >/dev/null)', 10);
ends('without standard error the work goes on', 'talkative file 0 2> >(exec 0<&-)', 0);
ends('… and is told by its exit code', 'talkative file 10 2>&1 >/dev/null | head -c 1', 10);
ends('standard error closed from the start', 'talkative file 10 >/dev/null 2>&-', 10);
ends('both closed from the start', 'talkative file 10 >&- 2>&-', 10);
ends('standard error on a full disk', 'talkative file 10 >/dev/null 2>/dev/full', 10);
ends(
  'a refusal whose words a full disk swallowed is a refusal',
  'talkative file 10 >/dev/full',
  10,
  /could not be written to standard output \(ENOSPC\)\n {2}next: Free space/,
);
ends(
  'a success that could not be told is none',
  'talkative file 0 --json >/dev/full',
  20,
  /^could not check \(DISK_FULL\)/m,
);
ends('… nor is help', 'amlpromote --help >/dev/full', 20, /DISK_FULL/);
ends('… nor the version', 'amlpromote --version >/dev/full', 20, /DISK_FULL/);
ends('both on a full disk', 'talkative file 10 >/dev/full 2>/dev/full', 10);
ends('a command of the tool, its reader gone', 'amlpromote verify none.json --json | true', 2);

shellTest('a disk that is nearly full keeps no half of a document in silence', async (t) => {
  const directory = await temporaryDirectory(t);
  // A limit on the size of files is a disk that fills up in the middle of a write.
  const line = 'trap "" XFSZ; ulimit -f 100; talkative file 0 --json >out.json 2>err.txt';
  const result = await shell(line, directory);
  t.is(result.code, 20);
  t.true(existsSync(join(directory, 'out.json')));
  t.regex(readFileSync(join(directory, 'err.txt'), 'utf8'), /could not be written to standard output/);
});
