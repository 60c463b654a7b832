import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBytes } from './bytes.ts';
import {
  parseDuration,
  parseGoDuration,
  parsePrometheusDuration,
  showGoDuration,
  showPrometheusDuration,
} from './duration.ts';
import { acceptsEmpty, matchesEmpty } from './empty-match.ts';
import { parseNumber, writeNumber } from './number.ts';
import { unquote } from './string.ts';

const second = 1_000_000_000n;

describe('a duration', () => {
  it.each([
    ['5m', 300n * second],
    ['1h30m', 5_400n * second],
    ['2w', 1_209_600n * second],
    ['1y', 31_536_000n * second],
    ['250ms', 250_000_000n],
    ['0', 0n],
  ])('%s is read as Prometheus reads it', (text, nanos) => {
    expect(parsePrometheusDuration(text)).toBe(nanos);
  });
  it.each(['', '5', '1.5s', '-5m', '30m1h', '5m5m', '300y', '1h 30m'])('%j is none of Prometheus', (text) => {
    expect(parsePrometheusDuration(text)).toBeNull();
  });
  it.each([
    ['1.5s', 1_500_000_000n],
    ['-1h2m', -3_720n * second],
    ['250us', 250_000n],
    ['3µs', 3_000n],
    ['.5h', 1_800n * second],
    ['1m1m', 120n * second],
  ])('%s is read as Go reads it', (text, nanos) => {
    expect(parseGoDuration(text)).toBe(nanos);
  });
  it.each(['', 's', '1', '1d', '1.5.5s', '300000h0m0s9999999h'])('%j is none of Go', (text) => {
    expect(parseGoDuration(text)).toBeNull();
  });
  it('written as Prometheus does reads back, for any whole milliseconds', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 12n }), (milliseconds) => {
        const length = milliseconds * 1_000_000n;
        expect(parsePrometheusDuration(showPrometheusDuration(length))).toBe(length);
      }),
    );
  });
  it('written as Go does reads back, for any length', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 53n), max: 2n ** 53n }), (length) => {
        expect(parseGoDuration(showGoDuration(length))).toBe(length);
      }),
    );
  });
  it.each([
    [0n, '0s', '0s'],
    [31n * 86_400n * second, '31d', '744h0m0s'],
    [14n * 86_400n * second, '2w', '336h0m0s'],
    [30n * 86_400n * second + 3_600n * second, '30d1h', '721h0m0s'],
    [1_500_000_000n, '1s500ms', '1.5s'],
    [250_000n, '', '250µs'],
  ])('of %s ns is written %j, or %s by Go', (length, prometheus, go) => {
    expect([showPrometheusDuration(length), showGoDuration(length)]).toEqual([prometheus, go]);
  });
  it('may be either form in LogQL and TraceQL', () => {
    expect([parseDuration('1d'), parseDuration('1.5h')]).toEqual([86_400n * second, 5_400n * second]);
  });
});

describe('a size', () => {
  it.each([
    ['512kB', 512_000],
    ['1KB', 1_000],
    ['5MiB', 5 * 2 ** 20],
    ['1.5GB', 1.5e9],
    ['7B', 7],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });
  it.each(['5', 'MB', '5XB', '-1KB', ''])('%j is none', (text) => {
    expect(parseBytes(text)).toBeNull();
  });
});

describe('a number', () => {
  it.each([
    ['42', 42],
    ['.5', 0.5],
    ['1e3', 1000],
    ['0x1F', 31],
    ['017', 15],
    ['08', 8],
    ['1_000', 1000],
    ['-7', -7],
    ['+Inf', Infinity],
    ['-inf', -Infinity],
    ['NaN', NaN],
  ])('%s is %d', (text, value) => {
    expect(parseNumber(text)).toBe(value);
  });
  it.each(['', '1__0', '_1', '1_', '0x', '1e', '1.2.3', 'ten'])('%j is none', (text) => {
    expect(parseNumber(text)).toBeNull();
  });
  it.each([
    [1.5, '1.5'],
    [-0, '-0'],
    [NaN, 'NaN'],
    [-Infinity, '-inf'],
  ])('%d goes into a plan as %s', (value, text) => {
    expect(writeNumber(value)).toBe(text);
  });
});

describe('a string literal', () => {
  it.each([
    ['"a\\tb\\"c"', 'a\tb"c'],
    ['`raw \\n`', 'raw \\n'],
    ["'it\\'s'", "it's"],
    ['"\\u00e9\\U0001F600"', 'é😀'],
    ['"\\xc3\\xa9 \\101"', 'é A'],
  ])('%s stands for %j', (literal, text) => {
    expect(unquote(literal)).toBe(text);
  });
  it.each(['"', '"a', '"a\\q"', '"a\nb"', '"\\ud800"', '"a"b"', 'a'])('%j is none', (literal) => {
    expect(unquote(literal)).toBeNull();
  });
});

describe('an expression', () => {
  it.each(['', '.*', 'a?', 'a|', '(a*)+', '(?i)', '(?i:a*)|b', '^$', 'a{0}', '(?P<x>b?)', '\\Q\\E', '\\A'])(
    '%j matches the empty text',
    (expression) => {
      expect(matchesEmpty(expression)).toBe(true);
    },
  );
  it.each(['a', '.+', 'a*b', '[^a]', '[]]', '\\d', '(?i)a', 'a{2,}', '(', 'a)', '[a', '\\b', '\\p{Greek}'])(
    '%j does not',
    (expression) => {
      expect(matchesEmpty(expression)).toBe(false);
    },
  );
  it('is decided in linear time where a backtracking engine would not end', () => {
    expect(matchesEmpty(`${'(|)'.repeat(5_000)}x`)).toBe(false);
  });
  it('nested deeper than RE2 allows is left to RE2', () => {
    expect(matchesEmpty('('.repeat(50_000))).toBe(false);
  });
});

describe('a matcher', () => {
  it.each([
    ['=', '', true],
    ['!=', 'x', true],
    ['!=', '', false],
    ['=~', '.*', true],
    ['!~', '.+', true],
    ['!~', '.*', false],
  ] as const)('%s %j accepts label sets without the label: %s', (op, value, accepts) => {
    expect(acceptsEmpty({ name: 'x', op, value })).toBe(accepts);
  });
});
