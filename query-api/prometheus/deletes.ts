import { promql, QueryTextError } from '../../search/index.ts';
import { type Deletes, labelMatches } from '../../storage/index.ts';
import type { Answer } from '../answer.ts';
import type { Api, Call, Route } from '../api.ts';
import { badParameter } from '../errors.ts';
import type { QueryApiDeps } from '../options.ts';
import { tenantOf, wholeMs } from '../store/conditions.ts';
import { timeMax, timeMin } from '../time.ts';
import { prometheusRefusal } from './errors.ts';
import { parseTimeOr } from './params.ts';

const prefixes = ['/api/v1', '/prometheus/api/v1'];

/** Series deleted as by Prometheus' admin API. An API of its own, because it changes the store. */
export function prometheusDeletesApi({ storage: { deletes } }: QueryApiDeps): Api {
  const routes = prefixes.flatMap((prefix): Route[] => [
    {
      methods: ['POST', 'PUT'],
      path: `${prefix}/admin/tsdb/delete_series`,
      handle: async (call) => await deleted(call, deletes),
    },
    // Nothing to do: compaction erases what was deleted once that can no longer be cancelled.
    { methods: ['POST', 'PUT'], path: `${prefix}/admin/tsdb/clean_tombstones`, handle: () => noted() },
  ]);
  return { name: 'prometheusDeletes', refuse: prometheusRefusal, routes };
}

/** Every selector is a request of its own. All are read before the first is made. */
async function deleted(call: Call, deletes: Deletes): Promise<Answer> {
  const tenant = tenantOf(call);
  const selectors = call.params.all('match[]').map(parseSelector);
  if (selectors.length === 0) throw badParameter('no match[] parameter provided');
  const range = wholeMs(parseTimeOr(call.params, 'start', timeMin), parseTimeOr(call.params, 'end', timeMax));
  for (const matchers of selectors) {
    await deletes.create(tenant, {
      table: 'samples',
      labels: labelMatches(matchers),
      lines: [],
      ...range,
    });
  }
  return noted();
}

function parseSelector(text: string): ReturnType<typeof promql.selector> {
  try {
    return promql.selector(text);
  } catch (thrown) {
    if (!(thrown instanceof QueryTextError)) throw thrown;
    throw badParameter(`invalid parameter "match[]": ${thrown.message}`);
  }
}

function noted(): Answer {
  return { status: 204, contentType: 'text/plain; charset=utf-8', body: Buffer.alloc(0) };
}
