import { describe, expect, it } from 'vitest';
import type { MatchOp } from '../search/index.ts';
import { matchesEmpty } from './matchers.ts';

describe('a label that is not there', () => {
  it.each<[MatchOp, string, boolean]>([
    ['=', '', true],
    ['=', 'a', false],
    ['!=', '', false],
    ['!=', 'a', true],
    ['=~', '.*', true],
    ['=~', '.+', false],
    ['=~', '(?i)a*', true],
    ['=~', 'a|', true],
    ['!~', '.+', true],
    ['!~', '.*', false],
    ['=~', '(', false],
  ])('with %s %j: fulfilled is %s', (op, value, fulfilled) => {
    expect(matchesEmpty({ name: 'x', op, value })).toBe(fulfilled);
  });
});
