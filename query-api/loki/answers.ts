import type { AnswerFormat } from '../../search/index.ts';
import type { QueryAnswer } from '../../storage/index.ts';
import type { Answer } from '../answer.ts';
import type { Call } from '../api.ts';

const contentType = 'application/json; charset=UTF-8';

export function encodedAnswer({ body }: QueryAnswer): Answer {
  return { status: 200, contentType, body };
}

export function jsonAnswer(value: unknown): Answer {
  return { status: 200, contentType, body: Buffer.from(JSON.stringify(value)) };
}

/** Grafana fails on labels by category where it did not ask for them, and without them where it did. */
export function entryFormat({ headers }: Pick<Call, 'headers'>): AnswerFormat {
  const header = headers['x-loki-response-encoding-flags'];
  const flags = typeof header === 'string' ? header : (header ?? []).join(',');
  return flags.split(',').some((flag) => flag.trim() === 'categorize-labels') ? 'lokiCategorized' : 'loki';
}
