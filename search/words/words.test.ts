import { describe, expect, it } from 'vitest';
import { explain } from '../plan/explain.ts';
import { words } from './words.ts';

const how = { matchers: [], order: 'score', limit: 10, from: 0n, to: 1_000_000_000n } as const;
const planned = (text: string) => explain(words.plan(text, how));

describe('a search for words', () => {
  it.each([
    ['payment declined', '(payment and declined)'],
    ['payment AND declined', '(payment and declined)'],
    ['"payment declined" OR decl*', '("payment declined" or decl*)'],
    ['a b OR c', '((a and b) or c)'],
    ['a (b OR c) -d', '(a and (b or c) and not d)'],
    ['a NOT "b c"', '(a and not "b c")'],
    ['paymnet~ ok~ x~2', '(paymnet~2 and ok~1 and x~2)'],
    ['user-id ORDER ANDROID', '(user-id and ORDER and ANDROID)'],
    ['"by the acq"*', '"by the acq"*'],
  ])('%s', (text, shown) => {
    expect(planned(text)).toBe(`search [0s, 1s) of {} for ${shown} by score limit 10`);
  });

  it.each([
    ['', 'line 1, col 1: a word was expected'],
    ['a OR', 'line 1, col 5: a word was expected'],
    ['AND a', "line 1, col 4: a word was expected before 'AND'"],
    ['(a', "line 1, col 3: ')' was expected"],
    ['a)', "line 1, col 2: unexpected ')'"],
    ['"a', `line 1, col 1: the phrase has no closing '"'`],
    ['a~3', "line 1, col 3: '~3' is more than 2 letters"],
    ['*', "line 1, col 1: unexpected '*'"],
    ['-a', 'line 1, col 1: a search needs a word that is there, not only words that are not'],
    ['a OR NOT b', 'line 1, col 1: a search needs a word that is there, not only words that are not'],
    ['('.repeat(33), 'line 1, col 34: more than 32 brackets and negations in each other'],
  ])('%j is refused: %s', (text, message) => {
    expect(() => planned(text)).toThrow(message);
  });
});
