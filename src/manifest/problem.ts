/** A problem at an offset of the text; line and column are worked out when it is printed. */
export interface Problem {
  readonly offset: number;
  readonly message: string;
}

export type KeyPath = readonly (string | number)[];
