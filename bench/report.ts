import type { Sample } from './measure.ts';
import { median } from './measure.ts';

export interface Result {
  readonly row: string;
  readonly target: string;
  readonly samples: Readonly<Record<string, readonly Sample[]>>;
}

export interface Report {
  readonly image: { readonly bytes: number; readonly layers: number };
  readonly runs: number;
  readonly machine: { readonly cpus: number; readonly node: string };
  readonly results: readonly Result[];
}

const mebi = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;

/** Medians, and our ratio to each peer: below 1 we are faster. Only ratios within one run of the benchmark mean anything. */
export function printReport(report: Report): void {
  const { image, runs, machine } = report;
  const lines = [
    `${(image.bytes / 1e9).toFixed(2)} GB in ${String(image.layers)} layers, ${String(runs)} alternating runs, ${String(machine.cpus)} CPUs, Node ${machine.node}; medians`,
  ];
  const header = ['', 'tool', 'wall s', 'CPU s', 'peak memory', 'ours ÷ it: wall', 'CPU'];
  const rows = report.results.flatMap(({ row, target, samples }) => {
    const ours = samples.ours ?? [];
    return Object.entries(samples).map(([tool, taken], index) => [
      index === 0 ? row : index === 1 ? `  target ${target}` : '',
      tool,
      median(taken.map((one) => one.wall)).toFixed(2),
      column(taken, 'cpu', (value) => value.toFixed(2)),
      column(taken, 'memory', mebi),
      tool === 'ours' ? '' : ratio(ours, taken, 'wall'),
      tool === 'ours' ? '' : ratio(ours, taken, 'cpu'),
    ]);
  });
  const widths = header.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  for (const row of [header, ...rows]) {
    lines.push(
      row
        .map((cell, at) => (at < 2 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
        .join('  '),
    );
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

const present = (taken: readonly Sample[], key: keyof Sample): readonly number[] =>
  taken.flatMap((one) => one[key] ?? []);

function column(taken: readonly Sample[], key: keyof Sample, show: (value: number) => string): string {
  const found = present(taken, key);
  return found.length === 0 ? '–' : show(median(found));
}

function ratio(ours: readonly Sample[], theirs: readonly Sample[], key: keyof Sample): string {
  const [a, b] = [present(ours, key), present(theirs, key)];
  return a.length === 0 || b.length === 0 ? '–' : (median(a) / median(b)).toFixed(2);
}
