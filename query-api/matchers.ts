import type { LabelMatcher } from '../search/index.ts';

/** Whether a label that is not there fulfils the matcher; selectors of only such ones match everything. */
export function matchesEmpty({ op, value }: LabelMatcher): boolean {
  switch (op) {
    case '=':
      return value === '';
    case '!=':
      return value !== '';
    case '=~':
      return regexMatchesEmpty(value);
    case '!~':
      return !regexMatchesEmpty(value);
  }
}

const leadingFlags = /^(?:\(\?[imsU]+\))+/;

/** False for what JavaScript cannot read: native code, whose syntax counts, will say if it is wrong. */
function regexMatchesEmpty(pattern: string): boolean {
  try {
    // Flags in front change nothing for the empty text, and JavaScript has no syntax for them.
    return new RegExp(`^(?:${pattern.replace(leadingFlags, '')})$`).test('');
  } catch {
    return false;
  }
}
