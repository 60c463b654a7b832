/*
 * Patterns of label filters that Loki takes for words and `.*`, of which it makes a search for the words; all others are
 * regular expressions to it, and it shows them in backticks. `label_pattern.rs` carries them out.
 */

/** Part of a pattern; `class` is one of some characters, as Go has alternatives of one character each. */
type Node =
  | { readonly kind: 'empty' | 'star' | 'plus' | 'class' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'concat' | 'choice'; readonly parts: readonly Node[] };

const depthMax = 16;
const part = /\.([*+])\??|\\([!-/:-@[-`{-~])|([^\\.+*?()|[\]{}^$])/suy;

/** Whether a pattern consists of words and `.*`. */
export function isOfWords(pattern: string): boolean {
  const reader = { text: pattern.replace(/^\(\?i\)/, ''), at: 0 };
  const node = choice(reader, 0);
  return node !== undefined && reader.at === reader.text.length && isSearch(node);
}

interface Reader {
  readonly text: string;
  at: number;
}

function skip(reader: Reader, text: string): boolean {
  if (!reader.text.startsWith(text, reader.at)) return false;
  reader.at += text.length;
  return true;
}

function choice(reader: Reader, depth: number): Node | undefined {
  const legs: Node[] = [];
  do {
    const leg = depth < depthMax ? concat(reader, depth) : undefined;
    if (leg === undefined) return undefined;
    legs.push(leg);
  } while (skip(reader, '|'));
  return factored(legs);
}

function concat(reader: Reader, depth: number): Node | undefined {
  const parts: Node[] = [];
  for (let joins = false; ; ) {
    let isText = false;
    if (skip(reader, '(')) {
      skip(reader, '?:');
      const inner = choice(reader, depth + 1);
      if (inner === undefined || !skip(reader, ')')) return undefined;
      parts.push(inner);
    } else {
      part.lastIndex = reader.at;
      const found = part.exec(reader.text);
      if (found === null) break;
      reader.at = part.lastIndex;
      const [, repeated, escaped, plain] = found;
      const last = parts.at(-1);
      const text = escaped ?? plain;
      isText = text !== undefined;
      if (text === undefined) parts.push({ kind: repeated === '*' ? 'star' : 'plus' });
      else if (joins && last?.kind === 'text') parts.splice(-1, 1, { kind: 'text', text: last.text + text });
      else parts.push({ kind: 'text', text });
    }
    // Anything else may be repeated only by an automaton.
    if (/[*+?{]/.test(reader.text.charAt(reader.at))) return undefined;
    joins = isText;
  }
  const [only, ...others] = parts;
  if (only === undefined) return { kind: 'empty' };
  return others.length === 0 ? only : { kind: 'concat', parts };
}

/** Alternatives as Go has them: neighbours that begin alike share that beginning, single characters are a class. */
function factored(legs: readonly Node[]): Node {
  const runs: { start: string; legs: Node[] }[] = [];
  for (const leg of legs.flatMap((one) => (one.kind === 'choice' ? one.parts : [one]))) {
    const run = runs.at(-1);
    const start = commonStart(run?.start ?? '', startOf(leg));
    if (run === undefined || start === '') runs.push({ start: startOf(leg), legs: [leg] });
    else Object.assign(run, { start, legs: [...run.legs, leg] });
  }
  const shared: Node[] = [];
  for (const run of runs) {
    const leg = ofRun(run);
    const last = shared.at(-1);
    if (last !== undefined && isOne(last) && isOne(leg)) shared.splice(-1, 1, { kind: 'class' });
    else if (last?.kind !== 'empty' || leg.kind !== 'empty') shared.push(leg);
  }
  const [only, ...others] = shared;
  return only !== undefined && others.length === 0 ? only : { kind: 'choice', parts: shared };
}

function ofRun({ start, legs }: { start: string; legs: readonly Node[] }): Node {
  const [only, ...others] = legs;
  if (only !== undefined && others.length === 0) return only;
  const rests = factored(legs.map((leg) => withoutStart(leg, start.length)));
  return { kind: 'concat', parts: [{ kind: 'text', text: start }, rests] };
}

function commonStart(one: string, other: string): string {
  const [left, right] = [Array.from(one), Array.from(other)];
  const differs = left.findIndex((char, at) => char !== right[at]);
  return left.slice(0, differs === -1 ? left.length : differs).join('');
}

function startOf(leg: Node): string {
  if (leg.kind === 'text') return leg.text;
  const [first] = leg.kind === 'concat' ? leg.parts : [];
  return first?.kind === 'text' ? first.text : '';
}

function withoutStart(leg: Node, length: number): Node {
  if (leg.kind === 'text')
    return leg.text.length === length ? { kind: 'empty' } : { kind: 'text', text: leg.text.slice(length) };
  if (leg.kind !== 'concat') return leg;
  const parts = leg.parts
    .map((one, at) => (at === 0 ? withoutStart(one, length) : one))
    .filter(({ kind }) => kind !== 'empty');
  const [only, ...others] = parts;
  return only !== undefined && others.length === 0 ? only : { kind: 'concat', parts };
}

function isOne(leg: Node): boolean {
  return leg.kind === 'class' || (leg.kind === 'text' && Array.from(leg.text).length === 1);
}

function isSearch(node: Node): boolean {
  switch (node.kind) {
    case 'class':
      return false;
    case 'concat':
      return isWordWithMore(node.parts, false);
    case 'choice':
      return node.parts.every(isSearch);
    case 'empty':
    case 'star':
    case 'plus':
    case 'text':
      return true;
  }
}

/** A word, `.*` around it, and perhaps alternatives behind it. */
function isWordWithMore(all: readonly Node[], afterWord: boolean): boolean {
  const parts = all.filter(({ kind }) => kind !== 'empty');
  let [hasWord, texts] = [afterWord, 0];
  for (const one of parts) {
    if (one.kind === 'text') {
      texts += 1;
      hasWord = true;
    } else if (one.kind === 'choice') {
      if (!hasWord || !one.parts.every(mayFollow)) return false;
    } else if (one.kind !== 'star') return false;
  }
  return parts.length <= 3 && texts <= 1 && hasWord;
}

function mayFollow(leg: Node): boolean {
  if (leg.kind === 'concat') return isWordWithMore(leg.parts, true);
  return leg.kind === 'empty' || leg.kind === 'star' || leg.kind === 'text';
}
