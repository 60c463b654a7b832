import type { LabelMatcher, MatchOp } from '../plan/generated.ts';
import type { Cursor } from './cursor.ts';
import type { VectorSelector } from './syntax.ts';

const matchOps: readonly MatchOp[] = ['=~', '!~', '!=', '='];
const context = 'label matching';

/** `name`, `name{…}`, `{…}` or `{"name", …}`. */
export function selector(cursor: Cursor): VectorSelector {
  const { from } = cursor.token;
  const matchers: LabelMatcher[] = [];
  const isNamed = cursor.isA('word');
  if (isNamed) matchers.push({ name: '__name__', op: '=', value: cursor.advance() });
  if (cursor.skip('{')) {
    const named = matchers[0];
    while (!cursor.skip('}')) {
      const found = matcher(cursor);
      if (named !== undefined && found.name === '__name__' && found.op === '=')
        throw cursor.error(
          `metric name must not be set twice: ${JSON.stringify(named.value)} or ${JSON.stringify(found.value)}`,
          from,
        );
      matchers.push(found);
      if (!cursor.is('}')) cursor.expect(',', context, '"," or "}"');
    }
  }
  return { kind: 'vector', from, matchers, isNamed, offset: null, at: null, extension: null };
}

/** `job="x"`, `"a.b"="x"`, or a quoted metric name. */
function matcher(cursor: Cursor): LabelMatcher {
  const quoted = cursor.isA('string');
  if (!quoted && !cursor.isA('word')) throw cursor.unexpected(context, 'identifier or "}"');
  const name = cursor.advance();
  if (quoted && (cursor.is(',') || cursor.is('}'))) return { name: '__name__', op: '=', value: name };
  const op = matchOps.find((candidate) => cursor.skip(candidate));
  if (op === undefined) throw cursor.unexpected(context, 'label matching operator');
  return { name, op, value: cursor.take('string', context, 'string') };
}
