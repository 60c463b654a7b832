import type { WordTest } from '../plan/generated.ts';

/*
 * Patterns of label filters that Loki takes for words and `.*`, of which it makes a search for the words anywhere in the
 * value (`level=~"e.*"` holds of `debug`), although they are said to be anchored. All others are regular expressions
 * to it. It looks at what Go's parser makes of the pattern, so alternatives that begin alike are told from others.
 */

/** A value holds where one of the tests does. */
export interface Words {
  readonly ignoresCase: boolean;
  readonly tests: readonly WordTest[];
}

/** Part of a pattern; `class` is one of some characters, as Go has alternatives of one character each. */
type Node =
  | { readonly kind: 'empty' | 'star' | 'plus' | 'class' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'concat' | 'choice'; readonly parts: readonly Node[] };

const depthMax = 16;
const part = /\.([*+])\??|\\([!-/:-@[-`{-~])|([^\\.+*?()|[\]{}^$])/suy;

/** What Loki looks for instead of the pattern; undefined where it is a regular expression to it. */
export function wordsOf(pattern: string): Words | undefined {
  const text = pattern.replace(/^\(\?i\)/, '');
  const reader = { text, at: 0 };
  const node = choice(reader, 0);
  const tests = node !== undefined && reader.at === text.length ? testsOf(node) : undefined;
  return tests && { ignoresCase: text !== pattern, tests };
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

const any: WordTest = { kind: 'any' };

function testsOf(node: Node): readonly WordTest[] | undefined {
  switch (node.kind) {
    case 'empty':
    case 'star':
      return [any];
    case 'plus':
      return [{ kind: 'notEmpty' }];
    case 'text':
      return [{ kind: 'equal', text: node.text }];
    case 'concat':
      return wordWithMore(node.parts, undefined);
    case 'choice':
      return alternatives(node.parts);
    case 'class':
      return undefined;
  }
}

/** One that holds of every value is none beside others. */
function alternatives(legs: readonly Node[]): readonly WordTest[] | undefined {
  let tests: readonly WordTest[] = [];
  for (const leg of legs) {
    const more = testsOf(leg);
    if (more === undefined) return undefined;
    if (tests.length === 0 || isAny(tests)) tests = more;
    else if (!isAny(more)) tests = [...tests, ...more];
  }
  return tests;
}

function isAny([first, ...others]: readonly WordTest[]): boolean {
  return first?.kind === 'any' && others.length === 0;
}

/** A word, `.*` around it, and perhaps alternatives behind it. */
function wordWithMore(all: readonly Node[], before: string | undefined): readonly WordTest[] | undefined {
  const parts = all.filter(({ kind }) => kind !== 'empty');
  let [word, texts] = [before, 0];
  const tests: WordTest[] = [];
  for (const one of parts) {
    if (one.kind === 'text') {
      texts += 1;
      word = (word ?? '') + one.text;
    } else if (one.kind === 'choice') {
      const more = word === undefined ? undefined : wordBefore(word, one.parts);
      if (more === undefined) return undefined;
      tests.push(...more);
    } else if (one.kind !== 'star') return undefined;
  }
  if (parts.length > 3 || texts > 1 || word === undefined) return undefined;
  return tests.length > 0 ? tests : [{ kind: 'contains', text: word }];
}

/** A word with each of the alternatives behind it. */
function wordBefore(word: string, legs: readonly Node[]): readonly WordTest[] | undefined {
  const tests: WordTest[] = [];
  for (const leg of legs) {
    const isPlain = leg.kind === 'empty' || leg.kind === 'star' || leg.kind === 'text';
    if (isPlain) tests.push({ kind: 'contains', text: word + (leg.kind === 'text' ? leg.text : '') });
    else {
      const more = leg.kind === 'concat' ? wordWithMore(leg.parts, word) : undefined;
      if (more === undefined) return undefined;
      tests.push(...more);
    }
  }
  return tests;
}
