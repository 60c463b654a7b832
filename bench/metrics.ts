import type { Varve } from '../test/support/varve.ts';

/** The sum of a metric's series whose text (name and labels) matches. */
export async function metricOf({ ports }: Varve, series: RegExp): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${ports.all}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => series.test(line))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
