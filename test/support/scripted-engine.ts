import type { ContainerEngine, ContainerSpec } from '../../sandbox/compute/engine.ts';

/** A container engine without containers: each run is a function of its spec; pulls and sweeps are only noted. */
export interface ScriptedEngine extends ContainerEngine {
  readonly pulled: readonly string[];
  readonly ran: readonly ContainerSpec[];
  readonly swept: readonly string[];
}

export type Program = (
  spec: ContainerSpec,
  output: (text: string) => void,
  signal: AbortSignal,
) => Promise<number> | number;

export function scriptedEngine(program: Program): ScriptedEngine {
  const pulled: string[] = [];
  const ran: ContainerSpec[] = [];
  const swept: string[] = [];
  return {
    pulled,
    ran,
    swept,
    pull: (image) => {
      pulled.push(image);
      return Promise.resolve();
    },
    workingDirectory: () => Promise.resolve(''),
    run: async (spec, output, signal) => {
      ran.push(spec);
      return program(spec, (text) => output(Buffer.from(text)), signal);
    },
    sweep: (label) => {
      swept.push(label);
      return Promise.resolve();
    },
  };
}
