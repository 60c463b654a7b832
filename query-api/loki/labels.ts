import { type LabelMatcher, type LabelsOf, logql, lookup, type Plan } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { type Call, type Route, read } from '../api.ts';
import type { LokiOptions } from '../options.ts';
import { encodedAnswer } from './answers.ts';
import { withinLookback } from './limits.ts';
import { parseRangeBounds } from './params.ts';

/** Names and values of streams' labels, and the streams themselves. */
export function labelRoutes(options: LokiOptions): readonly Route[] {
  const { names, values, sets } = labelHandlers(options);
  return [
    { methods: read, path: '/loki/api/v1/labels', handle: names },
    { methods: read, path: '/loki/api/v1/label', handle: names },
    { methods: read, path: '/loki/api/v1/label/:name/values', handle: values },
    { methods: read, path: '/loki/api/v1/series', handle: sets },
  ];
}

type LabelHandler = (call: Call) => Promise<Answer>;

/** What the routes do, for those that answer in another envelope. */
export function labelHandlers({
  lookbackMaxMs,
}: Pick<LokiOptions, 'lookbackMaxMs'>): Readonly<Record<LabelsOf['kind'], LabelHandler>> {
  const ask = async (call: Call, selectors: LabelMatcher[][], of: LabelsOf): Promise<Answer> => {
    const range = withinLookback(parseRangeBounds(call.params, call.now), call.now, lookbackMaxMs);
    return await streamLabels(call, lookup.streamLabels(narrowing(selectors), range, of));
  };
  return {
    names: async (call) => await ask(call, narrowedBy(call), { kind: 'names' }),
    values: async (call) =>
      await ask(call, narrowedBy(call), { kind: 'values', name: call.pathPart('name') }),
    sets: async (call) => {
      const selectors = call.params.all('match[]', 'match').map((text) => logql.selector(text));
      return await ask(call, selectors, { kind: 'sets' });
    },
  };
}

/** The one selector of `query`, if there is one. */
function narrowedBy({ params }: Call): LabelMatcher[][] {
  const text = params.get('query');
  return text === '' ? [] : [logql.selector(text)];
}

/** `{}` holds for every stream, and so does having no selector at all. */
function narrowing(selectors: LabelMatcher[][]): LabelMatcher[][] {
  return selectors.some((matchers) => matchers.length === 0) ? [] : selectors;
}

async function streamLabels(call: Call, plan: Plan): Promise<Answer> {
  return encodedAnswer(await call.ask({ plan, answer: 'loki' }));
}
