import { lookup } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import type { Call } from '../api.ts';
import { badParameter } from '../errors.ts';
import { parseWhole } from '../params.ts';
import { timeMax, timeMin } from '../time.ts';
import { encodedAnswer } from './answers.ts';

/** The most entries of each list without a limit, and the most with one. */
const [limitDefault, limitMax] = [10n, 10_000n];

/** How many series there are by name, label and value, for dashboards of cardinality. */
export async function cardinality(call: Call): Promise<Answer> {
  const plan = lookup.seriesCardinality({ from: timeMin, to: timeMax }, parseLimit(call));
  return encodedAnswer(await call.ask({ plan, answer: 'prometheus' }));
}

function parseLimit({ params }: Call): number {
  const text = params.get('limit');
  const limit = text === '' ? limitDefault : parseWhole(text);
  if (limit === undefined || limit < 1n) throw badParameter('limit must be a positive number');
  if (limit > limitMax) throw badParameter(`limit must not exceed ${limitMax}`);
  return Number(limit);
}
