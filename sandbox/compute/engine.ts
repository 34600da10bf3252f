/** The container did not start, or ended before the command did: the image's doing. The message says what is known. */
export class ContainerNotRunning extends Error {
  override readonly name = 'ContainerNotRunning';
}

/** What the compute asks of a container engine; production is `dockerEngine`, tests may bring their own. */
export interface ContainerEngine {
  /** Brings the image here; an abort stops waiting for it. @throws Error with the engine's own words */
  pull(image: string, signal: AbortSignal): Promise<void>;
  /** The image's `WORKDIR`, '' when it has none. */
  workingDirectory(image: string): Promise<string>;
  /**
   * Starts the image with its own ENTRYPOINT, runs one command in it, and removes it, whatever happens. Both output streams
   * of the command come as one, each in its own order. An abort kills it. @returns the command's exit code
   * @throws ContainerNotRunning
   */
  run(spec: ContainerSpec, output: (chunk: Buffer) => void, signal: AbortSignal): Promise<number>;
  /** Removes what an earlier process left behind, by label. */
  sweep(label: string): Promise<void>;
}

export interface Mount {
  /** Absolute, on the engine's machine. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface ContainerSpec {
  readonly image: string;
  /** A command line for bash. */
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly mounts: readonly Mount[];
  readonly labels: Readonly<Record<string, string>>;
  /** Bytes. */
  readonly memory: number;
  readonly sharedMemory: number;
  readonly processes: number;
}
