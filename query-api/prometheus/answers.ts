import type { QueryAnswer } from '../../storage/index.ts';
import type { Answer } from '../answer.ts';

const contentType = 'application/json';

export function encodedAnswer({ body }: QueryAnswer): Answer {
  return { status: 200, contentType, body };
}

export function success(data: unknown): Answer {
  return { status: 200, contentType, body: Buffer.from(JSON.stringify({ status: 'success', data })) };
}
