import { spawnSync } from 'node:child_process';
import { findTool } from './tools.ts';

/** Base64 where bytes are. See test/oracles/archive. */
export interface OracleMember {
  readonly name: string;
  readonly type: string;
  readonly link: string;
  readonly size: number;
  readonly sha256?: string;
}

export interface OracleAnswer {
  readonly members: readonly OracleMember[];
  readonly error?: string;
  readonly rest?: string;
}

export const archiveOracle = findTool('amlpromote-oracle-archive');

/** What Go makes of archives. */
export function askOracle(program: string, archives: readonly Buffer[]): readonly OracleAnswer[] {
  const input = archives.map((bytes) => JSON.stringify({ archive: bytes.toString('base64') })).join('\n');
  const { stdout, stderr, status } = spawnSync(program, { input, maxBuffer: 2 ** 30 });
  if (status !== 0) throw new Error(`the oracle failed: ${stderr.toString().slice(-500)}`);
  return stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as OracleAnswer);
}
