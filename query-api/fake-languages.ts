import type * as front from '../search/index.ts';

type Language = front.QueryTextError['language'];

/**
 * The front door of search with parsers that take any text but `bad`: what the APIs do with plans
 * is tested here, not the languages. Its plans hold the text and how it was to be planned.
 */
export function withFakeLanguages(actual: typeof front): object {
  const readable = (language: Language, text: string): string => {
    if (text !== 'bad') return text;
    throw new actual.QueryTextError(language, { line: 1, column: 1 }, 'parse error: unexpected bad');
  };
  const plan =
    (language: Language) =>
    (text: string, how: unknown): object => ({ node: 'told', text: readable(language, text), how });
  const selector =
    (language: Language) =>
    (text: string): object[] => {
      const matchers = readable(language, text).matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g);
      return [...matchers].map(([, name, op, value]) => ({ name, op, value }));
    };
  return {
    ...actual,
    logql: {
      plan: plan('logql'),
      selector: selector('logql'),
      narrowSelector: selector('logql'),
      reads: (text: string) =>
        readable('logql', text) === 'vector(1)' ? [] : [{ matchers: [], window: null }],
      rows: (text: string, range: object) => ({ text: readable('logql', text), range }),
      format: (text: string) => `formatted ${readable('logql', text)}`,
      isMetric: (text: string) => readable('logql', text).includes('('),
    },
    promql: {
      plan: plan('promql'),
      selector: selector('promql'),
      format: (text: string) => `formatted ${readable('promql', text)}`,
      tree: (text: string) => ({ type: 'tree', text: readable('promql', text) }),
      // One selector for each name between signs.
      selectorsOf: (text: string) =>
        [...readable('promql', text).matchAll(/[a-z]+/g)].map(([value]) => [
          { name: '__name__', op: '=', value },
        ]),
    },
    traceql: {
      plan: plan('traceql'),
      metrics: plan('traceql'),
      isMetrics: (text: string) => readable('traceql', text).includes('|'),
      spanCondition: (text: string) => ({ kind: 'condition', text: readable('traceql', text) }),
      condition: (text: string) => ({ kind: 'condition', text }),
      field: (text: string) => ({ kind: 'field', text: readable('traceql', text) }),
    },
  };
}
