import type { BuildFacts } from '../domain/build.ts';

/** What version control knows about a directory; undefined when it is under none, or that cannot be read. */
export type SourceFacts = (directory: string) => Promise<BuildFacts['source']>;
