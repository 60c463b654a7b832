import { type LabelMatcher, type LabelsOf, logql, lookup } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { type Call, type Route, read } from '../api.ts';
import { parseBounds } from '../bounds.ts';
import { encodedAnswer } from './answers.ts';

/** Names and values of streams' labels, and the streams themselves. */
export const labelRoutes: readonly Route[] = [
  { methods: read, path: '/loki/api/v1/labels', handle: labelNames },
  { methods: read, path: '/loki/api/v1/label', handle: labelNames },
  { methods: read, path: '/loki/api/v1/label/:name/values', handle: labelValues },
  { methods: read, path: '/loki/api/v1/series', handle: series },
];

export async function labelNames(call: Call): Promise<Answer> {
  return await streamLabels(call, narrowedBy(call), { kind: 'names' });
}

export async function labelValues(call: Call): Promise<Answer> {
  return await streamLabels(call, narrowedBy(call), { kind: 'values', name: call.pathPart('name') });
}

export async function series(call: Call): Promise<Answer> {
  const selectors = call.params.all('match[]', 'match').map((text) => logql.selector(text));
  return await streamLabels(call, selectors, { kind: 'sets' });
}

/** The one selector of `query`, if there is one. */
function narrowedBy({ params }: Call): LabelMatcher[][] {
  const text = params.get('query');
  return text === '' ? [] : [logql.selector(text)];
}

async function streamLabels(call: Call, selectors: LabelMatcher[][], of: LabelsOf): Promise<Answer> {
  const range = parseBounds(call.params, call.now);
  // `{}` holds for every stream, and so does having no selector at all.
  const narrowing = selectors.some((matchers) => matchers.length === 0) ? [] : selectors;
  const plan = lookup.streamLabels(narrowing, range, of);
  return encodedAnswer(await call.ask({ plan, answer: 'loki' }));
}
