import { BlockList, isIP, isIPv4 } from 'node:net';
import { goRegexpFault } from '../text/go-regexp.ts';
import { quote } from '../text/string.ts';

/*
 * Small languages inside a query's texts: what to take of a line as JSON, logfmt, by a pattern or a regular
 * expression. Each check answers with what is wrong, in the words of Loki's own parser, or with undefined.
 */

/** `| regexp "…"`. */
export function regexpFault(expression: string): string | undefined {
  const fault = goRegexpFault(expression);
  if (fault !== undefined) return fault;
  const names = [...expression.matchAll(/\(\?P?<(\w+)>/g)].map(([, name]) => name ?? '');
  if (names.length === 0) return 'at least one named capture must be supplied';
  const twice = firstRepeated(names);
  return twice === undefined ? undefined : `duplicate extracted label name '${twice}'`;
}

/** `| pattern "…"`. */
export function patternFault(expression: string): string | undefined {
  if (expression === '')
    return 'parse error at line 1, col 1: syntax error: unexpected $end, expecting IDENTIFIER or LITERAL';
  const names = captures(expression).filter((name) => name !== '_');
  if (names.length === 0) return 'at least one capture is required';
  const twice = firstRepeated(names);
  return (
    neighbours(expression) ??
    (twice === undefined ? undefined : `duplicate capture name (${twice}): invalid expression`)
  );
}

/** `|> "…"`: unnamed captures alone. */
export function linePatternFault(expression: string): string | undefined {
  const named = captures(expression).find((name) => name !== '_');
  return (
    neighbours(expression) ??
    (named === undefined ? undefined : `named captures are not allowed: found '<${named}>'`)
  );
}

function captures(expression: string): string[] {
  return [...expression.matchAll(/<([A-Za-z_][A-Za-z0-9_]*)>/g)].map(([, name]) => name ?? '');
}

function neighbours(expression: string): string | undefined {
  const found = /<[A-Za-z_][A-Za-z0-9_]*><[A-Za-z_][A-Za-z0-9_]*>/.exec(expression)?.[0];
  return found === undefined ? undefined : `found consecutive capture '${found}': invalid expression`;
}

/** The first name that stands a second time. */
export function firstRepeated(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

/** `ip("10.0.0.1")`, `ip("10.0.0.0/8")`, `ip("10.0.0.1-10.0.0.9")`. */
export function ipRangeFault(range: string): string | undefined {
  return isIpRange(range) ? undefined : `ip: invalid pattern: ${quote(range)}`;
}

function isIpRange(range: string): boolean {
  if (isIP(range) !== 0) return true;
  const family = (address: string) => (isIPv4(address) ? 'ipv4' : 'ipv6');
  const [, network = '', bits = ''] = /^(.*)\/(0|[1-9]\d{0,2})$/.exec(range) ?? [];
  const [, first = '', last = ''] = /^([^-]*)-(.*)$/.exec(range) ?? [];
  try {
    const list = new BlockList();
    if (network !== '') list.addSubnet(network, Number(bits), family(network));
    else list.addRange(first, last, family(first));
    return true;
  } catch {
    return false;
  }
}

interface Piece {
  readonly kind: string;
  readonly text: string;
}

/** The pieces of a text that has no others, or the first character that starts none. */
function pieces(text: string, kinds: Readonly<Record<string, RegExp>>): Piece[] | { readonly bad: string } {
  const found: Piece[] = [];
  let at = 0;
  while (at < text.length) {
    const piece = Object.entries(kinds)
      .map(([kind, pattern]) => ({ kind, text: matchAt(pattern, text, at) }))
      .find((candidate) => candidate.text !== '');
    if (piece === undefined) return { bad: String.fromCodePoint(text.codePointAt(at) ?? 0) };
    if (piece.kind !== 'space') found.push(piece);
    at += piece.text.length;
  }
  return found;
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

const logfmtPieces = { space: /[ \t\n]+/y, KEY: /[A-Za-z_][A-Za-z0-9_]*/y, STRING: /"[^"\]]*["\]]?/y };

/** `| logfmt x="…"`: one key, and strings behind it. */
export function logfmtPathFault(path: string): string | undefined {
  const read = pieces(path, logfmtPieces);
  if (!Array.isArray(read)) return `unexpected char ${read.bad}`;
  if (read.length === 0) return 'syntax error: unexpected $end, expecting STRING or KEY';
  return read.slice(1).some(({ kind }) => kind === 'KEY') ? 'syntax error: unexpected KEY' : undefined;
}

const jsonPieces = {
  space: /[ \t\n]+/y,
  INDEX: /[0-9]+/y,
  LSB: /\[/y,
  RSB: /\]/y,
  DOT: /\./y,
  FIELD: /[A-Za-z_][A-Za-z0-9_]*/y,
  // As in Loki's own reader, a bracket ends a text too.
  STRING: /"[^"\]]*["\]]?/y,
};

/** `| json x="…"`: `a.b`, `a["b"]`, `a[0]`. */
export function jsonPathFault(path: string): string | undefined {
  const read = pieces(path, jsonPieces);
  if (!Array.isArray(read)) return `unexpected char ${read.bad}`;
  let at = 0;
  const kind = (): string => read[at]?.kind ?? '$end';
  const unexpected = (...expected: readonly string[]): string => {
    const expecting = expected.length === 0 ? '' : `, expecting ${expected.join(' or ')}`;
    return `syntax error: unexpected ${kind()}${expecting}`;
  };
  for (let first = true; first || at < read.length; first = false) {
    if (kind() === 'LSB') {
      at += 1;
      if (kind() !== 'STRING' && kind() !== 'INDEX') return unexpected('STRING', 'INDEX');
      at += 1;
      if (kind() !== 'RSB') return unexpected('RSB');
    } else if (first) {
      if (kind() !== 'FIELD') return unexpected('LSB', 'FIELD');
    } else {
      if (kind() !== 'DOT') return unexpected();
      at += 1;
      if (kind() !== 'FIELD') return unexpected('FIELD');
    }
    at += 1;
  }
  return undefined;
}
