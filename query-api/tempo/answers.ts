import type { QueryAnswer } from '../../storage/index.ts';
import type { Answer } from '../answer.ts';
import type { Call } from '../api.ts';

export type BodyType = 'application/json' | 'application/protobuf';

export function encodedAnswer({ body }: QueryAnswer, contentType: BodyType): Answer {
  return { status: 200, contentType, body };
}

export function jsonAnswer(value: unknown): Answer {
  return { status: 200, contentType: 'application/json', body: Buffer.from(JSON.stringify(value)) };
}

/** Protobuf when `Accept` names it, JSON for anything else. */
export function wantedType({ headers }: Call): BodyType {
  const accept = headers['accept'];
  const list = typeof accept === 'string' ? accept : (accept ?? []).join(',');
  return list.includes('application/protobuf') ? 'application/protobuf' : 'application/json';
}
