/** What one layer may cost (threat 20). Sizes in bytes. */
export interface WalkLimits {
  /** Uncompressed size of one layer. */
  readonly maxLayerBytes: number;
  /** Uncompressed ÷ compressed size, judged once a layer has passed `ratioFloorBytes`. */
  readonly maxRatio: number;
  readonly ratioFloorBytes: number;
  readonly maxEntries: number;
  /** A wanted file that is larger is not read, and that is reported. */
  readonly maxFileBytes: number;
}

/** Large for real layers (CUDA: 10 GB; holes in log files: 1:100), small for a bomb. */
export const defaultWalkLimits: WalkLimits = {
  maxLayerBytes: 64 * 1024 ** 3,
  maxRatio: 200,
  ratioFloorBytes: 1024 ** 3,
  maxEntries: 2_000_000,
  maxFileBytes: 32 * 1024 ** 2,
};
