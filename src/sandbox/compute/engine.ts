/** What the compute asks of a container engine; production is `dockerEngine`, tests may bring their own. */
export interface ContainerEngine {
  /** Brings the image here; an abort stops waiting for it. @throws Error with the engine's own words */
  pull(image: string, signal: AbortSignal): Promise<void>;
  /** The image's `WORKDIR`, '' when it has none. */
  workingDirectory(image: string): Promise<string>;
  /**
   * Runs one container to its end and removes it, whatever happens. Both output streams come as one, each in its own order.
   * An abort kills it. @returns the exit code
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
  /** A shell command line. */
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
