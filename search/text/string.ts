const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/** `\x41`, `\101`, `\u0041`, `\U00000041`: how many digits of which base follow. */
const codeEscape = /^\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/;

/**
 * What a literal of Go's syntax stands for: `"…"` and `'…'` with escapes, `` `…` `` as it is.
 * `null` when the quotes don't match, an escape is none, or a quoted line is broken.
 */
export function unquote(literal: string): string | null {
  const quote = literal.charAt(0);
  if (literal.length < 2 || !literal.endsWith(quote) || !`"'\``.includes(quote)) return null;
  const body = literal.slice(1, -1);
  if (quote === '`') return body.includes('`') ? null : body.replaceAll('\r', '');
  if (body.includes('\n')) return null;
  const bytes: number[] = [];
  const append = (text: string): void => {
    bytes.push(...Buffer.from(text, 'utf8'));
  };
  for (let at = 0; at < body.length; ) {
    const char = String.fromCodePoint(body.codePointAt(at) ?? 0);
    if (char === quote) return null;
    if (char !== '\\') {
      append(char);
      at += char.length;
      continue;
    }
    const found = codeEscape.exec(body.slice(at, at + 10));
    if (found !== null) {
      const [all, hex, octal, short, long] = found;
      // \x and octal escapes name bytes, so "\xc3\xa9" is é.
      if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
      else if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 0xff);
      else {
        const code = Number.parseInt(short ?? long ?? '', 16);
        if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return null;
        append(String.fromCodePoint(code));
      }
      at += all.length;
      continue;
    }
    const simple = simpleEscapes[body.charAt(at + 1)];
    if (simple === undefined) return null;
    append(simple);
    at += 2;
  }
  return Buffer.from(bytes).toString('utf8');
}

const quotedEscapes: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(simpleEscapes)
    .filter(([letter]) => letter !== "'")
    .map(([letter, char]) => [char, `\\${letter}`]),
);

/** A text in double quotes, escaped as Go's `strconv.Quote` does: what can't be printed as its number. */
export function quote(text: string): string {
  return `"${text.replaceAll(/["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, escaped)}"`;
}

function escaped(char: string): string {
  const simple = quotedEscapes[char];
  if (simple !== undefined) return simple;
  const code = char.codePointAt(0) ?? 0;
  const hex = (digits: number) => code.toString(16).padStart(digits, '0');
  if (code < 0x80) return `\\x${hex(2)}`;
  return code < 0x1_0000 ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}
