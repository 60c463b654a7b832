import type { NumberOp, TextOp } from './syntax.ts';

export function compareTexts(op: TextOp, text: string, value: string): boolean {
  switch (op) {
    case '=':
      return text === value;
    case '!=':
      return text !== value;
    case '=~':
      return new RegExp(`^(?:${value})$`, 's').test(text);
    case '!~':
      return !new RegExp(`^(?:${value})$`, 's').test(text);
  }
}

export function compareNumbers(op: NumberOp, left: number, right: number): boolean {
  switch (op) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
  }
}

/** The same in a label filter, where a pattern of words and `.*` is looked for anywhere, as in Loki. */
export function compareLabel(op: TextOp, text: string, value: string): boolean {
  if (op === '=' || op === '!=') return compareTexts(op, text, value);
  const holds = (word: string): boolean =>
    word.endsWith('.*') ? text.includes(word.slice(0, -2)) : text === word;
  return (value === '' || value.split('|').some(holds)) === (op === '=~');
}
