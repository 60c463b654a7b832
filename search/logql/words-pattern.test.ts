import { expect, it } from 'vitest';
import { wordsOf } from './words-pattern.ts';

/** Tests as `explain` shows them. */
function shown(pattern: string): string | undefined {
  const words = wordsOf(pattern);
  const tests = words?.tests.map((test) => {
    if (test.kind === 'any') return '*';
    if (test.kind === 'notEmpty') return '?*';
    return test.kind === 'equal' ? test.text : `*${test.text}*`;
  });
  return tests && `${words?.ignoresCase === true ? 'case ' : ''}${tests.join(' or ')}`;
}

it.each([
  // Words with any text around them are looked for anywhere.
  ['e.*', '*e*'],
  ['.*e', '*e*'],
  ['.*b.*', '*b*'],
  ['(e.*)', '*e*'],
  ['e.*?', '*e*'],
  ['(?i)BU.*', 'case *BU*'],
  ['w.*|e.*', '*w* or *e*'],
  ['10\\..*', '*10.*'],
  // Words alone are the whole value.
  ['error', 'error'],
  ['error|warn', 'error or warn'],
  ['(?i)ERROR', 'case ERROR'],
  // But not where alternatives begin alike.
  ['rror|rrfoo', '*rror* or *rrfoo*'],
  ['rro(r|foo)', '*rror* or *rrofoo*'],
  ['rror|rr.*', '*rror* or *rr*'],
  ['warn|warning', '*warn* or *warning*'],
  ['e(r|).*', '*er* or *e*'],
  // What holds always is no alternative.
  ['error|', 'error'],
  ['|bu.*', '*bu*'],
  ['error|.*', 'error'],
  ['.*', '*'],
  ['', '*'],
  ['.+', '?*'],
])('%j looks for %s', (pattern, tests) => {
  expect(shown(pattern)).toBe(tests);
});

it.each([
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
])('%j is for an automaton', (pattern) => {
  expect(shown(pattern)).toBeUndefined();
});
