/** A problem at an offset of the text; line and column are worked out when it is printed. */
export interface Problem {
  readonly offset: number;
  readonly message: string;
}

export type KeyPath = readonly (string | number)[];

/** As people write it: `trust.signers[0].ca`. */
export const dotted = (path: KeyPath): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${String(key)}]`;
    return text ? `${text}.${key}` : key;
  }, '');
