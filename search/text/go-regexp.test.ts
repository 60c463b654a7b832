import { describe, expect, it } from 'vitest';
import { goRegexpFault } from './go-regexp.ts';

describe('a regular expression', () => {
  it.each([
    'a.*b|c+?',
    '(?i)error|(?P<x>a)(?<y>b)(?s-i:c)',
    'a{2}b{2,}c{2,5}d{e',
    String.raw`\d+\.\d\s\pL\p{Greek}\P{^Lu}\x41\x{1F600}\101\Q(*\E`,
    '[]a-z^-][^]][[:alpha:][:^digit:]\\w\\]-]',
  ])('%s compiles in Go', (expression) => {
    expect(goRegexpFault(expression)).toBeUndefined();
  });

  it.each([
    ['(', 'missing closing ): `(`'],
    ['a)', 'unexpected ): `a)`'],
    ['*', 'missing argument to repetition operator: `*`'],
    ['(|+?)', 'missing argument to repetition operator: `+?`'],
    ['a**', 'invalid nested repetition operator: `**`'],
    ['a{2001}', 'invalid repeat count: `{2001}`'],
    ['a{2,1}', 'invalid repeat count: `{2,1}`'],
    ['[z-a]', 'invalid character class range: `z-a`'],
    ['x[a', 'missing closing ]: `[a`'],
    ['[[:foo:]]', 'invalid character class range: `[:foo:]`'],
    ['(?=a)', 'invalid or unsupported Perl syntax: `(?=`'],
    ['(?P<n', 'invalid named capture: `(?P<n`'],
    ['(?P<n->a)', 'invalid named capture: `(?P<n->`'],
    ['a\\', 'trailing backslash at end of expression: ``'],
    [String.raw`\q`, String.raw`invalid escape sequence: ${'`'}\q${'`'}`],
    [String.raw`(a)\1`, String.raw`invalid escape sequence: ${'`'}\1${'`'}`],
    [String.raw`\pX`, String.raw`invalid character class range: ${'`'}\pX${'`'}`],
  ])('%s does not: %s', (expression, fault) => {
    expect(goRegexpFault(expression)).toBe(`error parsing regexp: ${fault}`);
  });
});
