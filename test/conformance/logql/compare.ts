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
