import type { SignalResult } from './measure.ts';
import type { Latency } from './percentiles.ts';

/** The results as two tables in Markdown: what went in (latencies as p50 · p99 in ms), and what was asked. */
export function report(results: readonly SignalResult[]): string {
  const ingest: string[][] = [
    [
      'signal',
      'records',
      'records/s',
      'per CPU second',
      'MB/s on the wire',
      'peak RSS MiB',
      'bytes/record',
      'ack, full load',
      'ack, half load',
      'queryable',
      'sent again',
    ],
    ...results.map((result) => [
      result.signal,
      grouped(result.records),
      grouped(result.recordsPerSecond),
      orNone(result.recordsPerCpuSecond, grouped),
      (result.wireBytesPerSecond / 1e6).toFixed(1),
      orNone(result.peakRssBytes, (bytes) => grouped(bytes / 1_048_576)),
      result.segmentBytesPerRecord.toFixed(1),
      latency(result.ackFullLoad),
      latency(result.ackHalfLoad),
      latency(result.queryable),
      grouped(result.sentAgain),
    ]),
  ];
  const queries: string[][] = [
    ['signal', 'query', 'p50 ms', 'p99 ms', 'times'],
    ...results.flatMap(({ signal, queries: asked }) =>
      asked.map(({ name, latency: found, problem, repeats }) => [
        signal,
        name,
        found === null ? `wrong: ${problem ?? ''}` : milliseconds(found.p50Ms),
        found === null ? '' : milliseconds(found.p99Ms),
        String(repeats),
      ]),
    ),
  ];
  return `${table(ingest)}\n\n${table(queries)}\n`;
}

/** Whether every query was answered as expected. */
export function allRight(results: readonly SignalResult[]): boolean {
  return results.every(({ queries }) => queries.every(({ problem }) => problem === null));
}

/** A table in Markdown, of which the first row is the head. */
export function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** `1234567.8` as `1,234,568`. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function orNone(value: number | null, show: (value: number) => string): string {
  return value === null ? 'n/a' : show(value);
}

function milliseconds(ms: number): string {
  return ms < 100 ? ms.toFixed(1) : grouped(ms);
}

/** `p50 · p99`, in milliseconds. */
export function latency({ p50Ms, p99Ms }: Latency): string {
  return `${milliseconds(p50Ms)} · ${milliseconds(p99Ms)}`;
}
