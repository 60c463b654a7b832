import type { Answer } from '../answer.ts';
import { type Api, type Call, get } from '../api.ts';
import type { QueryApiDeps } from '../options.ts';
import { sqlRefusal } from '../sql/errors.ts';

/** Which position the logs have now, or had as of a time (docs/as-of.md). */
export function positionApi({ storage }: QueryApiDeps): Api {
  return {
    name: 'position',
    refuse: sqlRefusal,
    routes: [{ methods: get, path: '/api/position', handle: async (call) => await position(call, storage) }],
  };
}

async function position({ asOf }: Call, storage: QueryApiDeps['storage']): Promise<Answer> {
  const text = await storage.position(asOf === undefined ? undefined : JSON.stringify(asOf));
  return {
    status: 200,
    contentType: 'application/json',
    body: Buffer.from(JSON.stringify({ position: text })),
  };
}
