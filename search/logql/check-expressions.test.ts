import { describe, expect, it } from 'vitest';
import { jsonPathFault, linePatternFault, logfmtPathFault, patternFault } from './check-expressions.ts';

describe('a path into JSON', () => {
  it.each(['app', 'a.b[0]["c d"].e', '["pod"]["uuid"]', '[0]', 'utf8', '["ÜFT8👌"]', ' a . b '])(
    '%s is one',
    (path) => {
      expect(jsonPathFault(path)).toBeUndefined();
    },
  );
  it.each([
    ['', 'syntax error: unexpected $end, expecting LSB or FIELD'],
    ['field with space', 'syntax error: unexpected FIELD'],
    ['"pod"]', 'syntax error: unexpected STRING, expecting LSB or FIELD'],
    ['["pod"', 'syntax error: unexpected $end, expecting RSB'],
    ['["pod""uuid"]', 'syntax error: unexpected STRING, expecting RSB'],
    ['pod..uuid', 'syntax error: unexpected DOT, expecting FIELD'],
    ['["key', 'syntax error: unexpected $end, expecting RSB'],
    ['a-b', 'unexpected char -'],
  ])('%s is none: %s', (path, fault) => {
    expect(jsonPathFault(path)).toBe(fault);
  });
});

describe('a key of logfmt', () => {
  it.each(['app', 'id8', 'a "b"'])('%s is one', (path) => {
    expect(logfmtPathFault(path)).toBeUndefined();
  });
  it.each([
    ['field with space', 'syntax error: unexpected KEY'],
    ['fieldwithÜ', 'unexpected char Ü'],
    ['response.code', 'unexpected char .'],
  ])('%s is none: %s', (path, fault) => {
    expect(logfmtPathFault(path)).toBe(fault);
  });
});

describe('a pattern', () => {
  it.each(['<f>', '<f> <a>', '<_> <f> <_>'])('%s takes parts of a line', (pattern) => {
    expect(patternFault(pattern)).toBeUndefined();
  });
  it.each([
    ['foo <_> bar <_>', 'at least one capture is required'],
    ['<f> f<f>', 'duplicate capture name (f): invalid expression'],
    ['<f>f<f><_>', "found consecutive capture '<f><_>': invalid expression"],
  ])('%s takes none: %s', (pattern, fault) => {
    expect(patternFault(pattern)).toBe(fault);
  });
  it('of whole lines has unnamed parts alone', () => {
    expect(['<_>', '', 'foo <_> bar <_>'].map(linePatternFault)).toEqual([undefined, undefined, undefined]);
    expect(linePatternFault('<foo <foo> bar <_>')).toBe("named captures are not allowed: found '<foo>'");
  });
});
