import type { Call } from '../api.ts';
import { badParameter } from '../errors.ts';

/**
 * With what each series of an answer begins. Nothing else has these bytes: in a text the quotes would be
 * escaped, and no label's value is an object.
 */
const seriesStart = Buffer.from('{"metric":{');
const resultEnd = Buffer.from('],"stats":{');
const warningsStart = ',"warnings":[';

/** What becomes of an answer with more series than it may have. */
type Excess = 'refused' | 'cut';

/** As in Loki: Logs Drilldown draws what it is given, anybody else must not take a part for the whole. */
export function excessOf({ headers }: Pick<Call, 'headers'>): Excess {
  const header = headers['x-query-tags'];
  const tags = typeof header === 'string' ? header : (header ?? []).join(',');
  const isDrilldown = tags.split(',').some((tag) => {
    const [name = '', value = '', ...more] = tag.split('=').filter((part) => part !== '');
    return more.length === 0 && /^source$/i.test(name) && /^grafana-lokiexplore-app$/i.test(value);
  });
  return isDrilldown ? 'cut' : 'refused';
}

/**
 * The answer of a metric query, in Loki's JSON, with at most `max` series: where they are cut, a warning says so.
 *
 * @throws Refused badParameter when there are more and they are not to be cut
 */
export function limitSeries(body: Buffer, max: number, excess: Excess): Buffer {
  let at = -1;
  for (let series = 0; series <= max; series += 1) {
    at = body.indexOf(seriesStart, at + 1);
    if (at === -1) return body;
  }
  if (excess === 'refused') {
    throw badParameter(
      `maximum of series (${max}) reached for a single query; group by fewer labels, narrow the query or raise query.loki_series_max`,
    );
  }
  const rest = body.subarray(body.lastIndexOf(resultEnd)).toString();
  const warning = `maximum number of series (${max}) reached for a single query; returning partial results`;
  // Without the comma before the first series that goes.
  return Buffer.concat([body.subarray(0, at - 1), Buffer.from(withWarning(rest, warning))]);
}

/** The end of an answer, with one more warning in it. */
function withWarning(end: string, warning: string): string {
  const text = JSON.stringify(warning);
  return end.includes(warningsStart)
    ? end.replace(warningsStart, () => `${warningsStart}${text},`)
    : `${end.trimEnd().slice(0, -1)}${warningsStart}${text}]}`;
}
