import type { Answer } from '../answer.ts';
import type { Api, Call } from '../api.ts';
import type { QueryApiDeps, QueryApiOptions } from '../options.ts';
import { sqlRefusal } from './errors.ts';
import { contentTypes, formatOf, statementOf } from './request.ts';

/** SQL over HTTP (docs/sql.md). */
export function sqlApi(_deps: QueryApiDeps, { sql }: QueryApiOptions): Api {
  return {
    name: 'sql',
    refuse: sqlRefusal,
    bodies: 'text',
    routes: [{ methods: ['POST'], path: '/api/sql', handle: async (call) => await answered(call, sql) }],
  };
}

async function answered(call: Call, { rowsMax }: QueryApiOptions['sql']): Promise<Answer> {
  const format = formatOf(call);
  const { body, warnings } = await call.askSql({ statement: statementOf(call), format, rowsMax });
  // JSON has them in its body; the others have no place of their own for them.
  const isToldApart = format !== 'json' && warnings.length > 0;
  return {
    status: 200,
    contentType: contentTypes[format],
    body,
    headers: isToldApart ? { 'x-varve-warnings': asciiJson(warnings) } : {},
  };
}

/** JSON that may stand in a header. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^ -~]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
