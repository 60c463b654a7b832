import { expect, it } from 'vitest';
import { isOfWords } from './words-pattern.ts';

it.each([
  [
    '',
    '.*',
    '.+',
    'error',
    'e.*',
    '.*e',
    '(e.*)',
    'e.*?',
    '(?i)BU.*',
    'w.*|e.*',
    '|bu.*',
    'error|',
    '10\\..*',
    'rro(r|foo)',
  ],
  ['rror|rrfoo', 'rror|rr.*', 'info|warn', 'e(r|).*', '.*b.*', 'rr|.*'],
])('patterns of words: %#', (...patterns) => {
  expect(patterns.filter((pattern) => !isOfWords(pattern))).toEqual([]);
});

it.each([
  [
    '5..',
    'e.*r',
    '[e].*',
    'rror|rrox',
    'a|b',
    'er+',
    '^e.*',
    'e.*$',
    '(?s)e.*',
    'e(.*',
    'e{2}.*',
    'u-(1|2)',
    '\\d+',
    '.*.*',
  ],
])('other patterns: %#', (...patterns) => {
  expect(patterns.filter((pattern) => isOfWords(pattern))).toEqual([]);
});
