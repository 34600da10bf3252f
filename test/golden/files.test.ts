import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { hexOf } from '../../src/domain/digest.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { goldenDirectory } from '../support/golden-files.ts';

const listFile = 'SHA256SUMS';

test('the golden files are the ones that 0.1.0 made: none changed, none added, none gone', (t) => {
  const found = readdirSync(goldenDirectory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(goldenDirectory, path.join(entry.parentPath, entry.name)))
    .map((name) => name.split(path.sep).join('/'))
    .filter((name) => name !== listFile)
    .sort();
  const lines = found.map(
    (name) => `${hexOf(sha256(readFileSync(path.join(goldenDirectory, name))))}  ${name}`,
  );
  const listed = readFileSync(path.join(goldenDirectory, listFile), 'utf8');
  t.deepEqual(lines, listed.trimEnd().split('\n'));
});

test('the list itself is the one that 0.1.0 made', (t) => {
  t.is(
    hexOf(sha256(readFileSync(path.join(goldenDirectory, listFile)))),
    '2c8622791b5a4c0beabb78396c2587ca53ddf08f67a5eb47495f7fc3da047a02',
  );
});
