import type { LabelMatcher } from '../plan/generated.ts';

/**
 * Whether an RE2 expression, anchored at both ends, matches the empty text. Decided from the
 * expression's form in linear time; an expression that does not parse answers `false`, so that
 * native code, which compiles it, is the one to refuse it.
 */
export function matchesEmpty(expression: string): boolean {
  const reader = { text: expression, at: 0, depth: 0 };
  const empty = alternation(reader);
  return reader.at === expression.length && empty;
}

/** Whether a matcher also accepts label sets without its label, whose value then is `""`. */
export function acceptsEmpty({ op, value }: LabelMatcher): boolean {
  switch (op) {
    case '=':
      return value === '';
    case '!=':
      return value !== '';
    case '=~':
      return matchesEmpty(value);
    case '!~':
      return !matchesEmpty(value);
  }
}

interface Reader {
  readonly text: string;
  at: number;
  depth: number;
}

/** RE2 itself refuses deeper ones. */
const depthMax = 1_000;

function alternation(reader: Reader): boolean {
  let any = concatenation(reader);
  while (reader.text.charAt(reader.at) === '|') {
    reader.at += 1;
    if (concatenation(reader)) any = true;
  }
  return any;
}

function concatenation(reader: Reader): boolean {
  let all = true;
  while (reader.at < reader.text.length && !'|)'.includes(reader.text.charAt(reader.at))) {
    if (!repeated(reader, atom(reader))) all = false;
  }
  return all;
}

/** Quantifiers after an atom: zero times makes it empty. */
function repeated(reader: Reader, empty: boolean): boolean {
  for (;;) {
    const rest = reader.text.slice(reader.at, reader.at + 12);
    const found = /^(?:[*?+]|\{(\d+)(?:,\d*)?\})\??/.exec(rest);
    if (found === null) return empty;
    reader.at += found[0].length;
    if ('*?'.includes(rest.charAt(0)) || Number(found[1] ?? 1) === 0) return repeated(reader, true);
  }
}

/** One character, class, assertion or group; whether it matches nothing. */
function atom(reader: Reader): boolean {
  const { text } = reader;
  const char = text.charAt(reader.at);
  reader.at += 1;
  if (char === '^' || char === '$') return true;
  if (char === '(') return group(reader);
  if (char === '[') {
    skipClass(reader);
    return false;
  }
  if (char !== '\\') return false;
  const escaped = text.charAt(reader.at);
  reader.at += 1;
  if (escaped === 'Q') {
    const end = text.indexOf('\\E', reader.at);
    const literalTo = end === -1 ? text.length : end;
    const empty = literalTo === reader.at;
    reader.at = end === -1 ? text.length : end + 2;
    return empty;
  }
  if ('pP'.includes(escaped) && text.charAt(reader.at) === '{') skipTo(reader, '}');
  else if (escaped === 'x' && text.charAt(reader.at) === '{') skipTo(reader, '}');
  // \A and \z hold at the ends of the empty text, \B between nothing; \b does not.
  return 'AzB'.includes(escaped);
}

function group(reader: Reader): boolean {
  const head = /^\?(?:P?<[^>]*>|[a-zA-Z-]*([:)]))/.exec(reader.text.slice(reader.at, reader.at + 200));
  reader.at += head?.[0].length ?? 0;
  if (head?.[1] === ')') return true; // only flags, e.g. (?i)
  reader.depth += 1;
  const empty = reader.depth <= depthMax && alternation(reader);
  reader.depth -= 1;
  if (reader.text.charAt(reader.at) === ')') reader.at += 1;
  else reader.at = reader.text.length + 1; // not closed: not an expression
  return empty;
}

/** Past a class; `]` in first place and inside `[:name:]` is not its end. */
function skipClass(reader: Reader): void {
  if (reader.text.charAt(reader.at) === '^') reader.at += 1;
  for (let first = true; reader.at < reader.text.length; first = false) {
    const char = reader.text.charAt(reader.at);
    if (char === ']' && !first) break;
    if (reader.text.startsWith('[:', reader.at)) skipTo(reader, ':]');
    else reader.at += char === '\\' ? 2 : 1;
  }
  reader.at += 1;
}

function skipTo(reader: Reader, end: string): void {
  const at = reader.text.indexOf(end, reader.at);
  reader.at = at === -1 ? reader.text.length : at + end.length;
}
