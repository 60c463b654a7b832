/*
 * What Go's regexp/syntax finds wrong with an expression (RE2's, with Perl's flags). Peers refuse a query whose
 * expression does not compile while they read it, in Go's words; native code compiles what passes here.
 */

/** Why Go would not compile an expression: ``missing closing ): `(` ``; undefined where it would. */
export function goRegexpFault(expression: string): string | undefined {
  try {
    readExpression({ text: expression, at: 0 });
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Fault) return `error parsing regexp: ${thrown.message}`;
    throw thrown;
  }
}

class Fault extends Error {
  constructor(what: string, where: string) {
    super(`${what}: \`${where}\``);
  }
}

interface Reader {
  readonly text: string;
  at: number;
}

/** The most times that something may be repeated. */
const repeatMax = 1_000;

function readExpression(reader: Reader): void {
  const { text } = reader;
  let depth = 0;
  /** Whether there is something that a repetition could be of. */
  let repeatable = false;
  /** Where the last repetition starts, when nothing stands behind it yet. */
  let repeatedFrom: number | undefined;
  while (reader.at < text.length) {
    const from = reader.at;
    const repeats = readRepetition(reader);
    if (repeats) {
      if (repeatedFrom !== undefined)
        throw new Fault('invalid nested repetition operator', text.slice(repeatedFrom, reader.at));
      if (!repeatable)
        throw new Fault('missing argument to repetition operator', text.slice(from, reader.at));
      repeatedFrom = from;
      continue;
    }
    repeatedFrom = undefined;
    const char = text.charAt(from);
    if (char === '(') {
      const opened = openGroup(reader);
      depth += opened;
      // Flags alone leave what stands before them to be repeated.
      if (opened === 1) repeatable = false;
      continue;
    }
    repeatable = char !== '|';
    if (char === ')') {
      if (depth === 0) throw new Fault('unexpected )', text);
      depth -= 1;
      reader.at += 1;
    } else if (char === '[') readClass(reader);
    else if (char === '\\') readEscape(reader);
    else reader.at += 1;
  }
  if (depth > 0) throw new Fault('missing closing )', text);
}

/** Over `*`, `+?`, `{2,5}`; whether one stood here. Braces that are no repetition are text. */
function readRepetition(reader: Reader): boolean {
  const found = /^(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})/.exec(reader.text.slice(reader.at));
  if (found === null) return false;
  const [all, least, comma, most] = found;
  reader.at += all.length;
  if (least !== undefined) {
    const min = Number(least);
    const max = comma === undefined ? min : most === '' ? min : Number(most);
    if (min > repeatMax || max > repeatMax || max < min) throw new Fault('invalid repeat count', all);
  }
  if (reader.text.charAt(reader.at) === '?') reader.at += 1;
  return true;
}

/** Over the start of a group; 0 for flags alone, which open none. */
function openGroup(reader: Reader): 0 | 1 {
  const rest = reader.text.slice(reader.at);
  if (!rest.startsWith('(?')) {
    reader.at += 1;
    return 1;
  }
  if (/^\(\?P?<[^]/.test(rest)) {
    const end = rest.indexOf('>');
    if (end === -1) throw new Fault('invalid named capture', rest);
    const head = rest.slice(0, end + 1);
    if (!/^\(\?P?<\w+>$/.test(head)) throw new Fault('invalid named capture', head);
    reader.at += head.length;
    return 1;
  }
  const flags = /^\(\?(?:[imsU]*|[imsU]*-[imsU]+)([:)])/.exec(rest);
  if (flags === null) {
    const good = /^\(\?[imsU]*(?:-[imsU]*)?/.exec(rest)?.[0] ?? '(?';
    throw new Fault('invalid or unsupported Perl syntax', rest.slice(0, good.length + 1));
  }
  reader.at += flags[0].length;
  return flags[1] === ':' ? 1 : 0;
}

/** Over an escape outside of a class. */
function readEscape(reader: Reader): void {
  const rest = reader.text.slice(reader.at);
  if (rest.startsWith('\\Q')) {
    const end = rest.indexOf('\\E');
    reader.at += end === -1 ? rest.length : end + 2;
  } else if (/^\\[ABbzdDsSwW]/.test(rest)) reader.at += 2;
  else if (!readUnicodeClass(reader)) readCharacter(reader);
}

/** Over `\pL` or `\p{Greek}`; whether one stood here. */
function readUnicodeClass(reader: Reader): boolean {
  const rest = reader.text.slice(reader.at);
  if (!/^\\[pP]/.test(rest)) return false;
  const found = /^\\[pP](?:\{\^?([^}]*)\}|([^{]))/u.exec(rest);
  if (found === null) throw new Fault('invalid character class range', rest);
  const name = found[1] ?? found[2] ?? '';
  if (name !== 'Any' && !isUnicodeName(name)) throw new Fault('invalid character class range', found[0]);
  reader.at += found[0].length;
  return true;
}

function isUnicodeName(name: string): boolean {
  return [`\\p{${name}}`, `\\p{Script=${name}}`].some((source) => {
    try {
      return new RegExp(source, 'u').source === source;
    } catch {
      return false;
    }
  });
}

/** Over an escaped character; its code. */
function readCharacter(reader: Reader): number {
  const rest = reader.text.slice(reader.at);
  if (rest === '\\') throw new Fault('trailing backslash at end of expression', '');
  const coded = /^\\(?:x([0-9a-fA-F]{2})|x\{([0-9a-fA-F]+)\}|([1-7][0-7]{1,2}|0[0-7]{0,2}))/.exec(rest);
  if (coded !== null) {
    const [all, short, long, octal] = coded;
    const code = octal === undefined ? Number.parseInt(short ?? long ?? '', 16) : Number.parseInt(octal, 8);
    if (code > 0x10ffff) throw new Fault('invalid escape sequence', all);
    reader.at += all.length;
    return code;
  }
  const [all = '', letter = ''] = /^\\([^])/u.exec(rest) ?? [];
  const control = 'afnrtv'.indexOf(letter);
  if (control === -1 && !/^[!-/:-@[-`{-~ ]$/.test(letter)) {
    const written =
      letter === 'x' ? (/^\\x(?:\{[0-9a-fA-F]*.?|[0-9a-fA-F]?.?)/u.exec(rest)?.[0] ?? all) : all;
    throw new Fault('invalid escape sequence', written);
  }
  reader.at += all.length;
  return control === -1 ? (letter.codePointAt(0) ?? 0) : '\x07\f\n\r\t\v'.charCodeAt(control);
}

const posixClasses = new Set(
  'alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit'.split(' '),
);

/** Over a class with its brackets. */
function readClass(reader: Reader): void {
  const { text } = reader;
  const from = reader.at;
  reader.at += text.startsWith('[^', from) ? 2 : 1;
  for (let first = true; first || text.charAt(reader.at) !== ']'; first = false) {
    const rest = text.slice(reader.at);
    const named = /^\[:(\^?)([^]*?):\]/.exec(rest);
    if (named !== null) {
      if (!posixClasses.has(named[2] ?? '')) throw new Fault('invalid character class range', named[0]);
      reader.at += named[0].length;
    } else if (/^\\[dDsSwW]/.test(rest)) reader.at += 2;
    else if (!readUnicodeClass(reader)) readSpan(reader, from);
  }
  reader.at += 1;
}

/** Over `a` or `a-z` in a class that starts at `classFrom`. */
function readSpan(reader: Reader, classFrom: number): void {
  const { text } = reader;
  const from = reader.at;
  const member = (): number => {
    if (reader.at >= text.length) throw new Fault('missing closing ]', text.slice(classFrom));
    if (text.charAt(reader.at) === '\\') return readCharacter(reader);
    const code = text.codePointAt(reader.at) ?? 0;
    reader.at += code > 0xffff ? 2 : 1;
    return code;
  };
  const low = member();
  if (!/^-[^\]]/.test(text.slice(reader.at))) return;
  reader.at += 1;
  if (member() < low) throw new Fault('invalid character class range', text.slice(from, reader.at));
}
