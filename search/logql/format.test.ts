import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planned } from './examples.ts';
import { logql } from './logql.ts';
import { parseLogql } from './parse.ts';
import { showLogql } from './show.ts';

describe('a query written as Loki writes it', () => {
  it.each([
    [
      '{a="b",c!~`d`}|="x" or "y"!=ip("10.0.0.0/8")',
      String.raw`{a="b", c!~"d"} |= "x" or "y" != ip("10.0.0.0/8")`,
    ],
    [
      '{a="b"}|logfmt --strict --keep-empty x="y",z|unpack|decolorize',
      '{a="b"} | logfmt --strict --keep-empty x="y",z="z" | unpack | decolorize',
    ],
    [
      '{a="b"}|took>1m30s and size<=1.5KiB or n==16|ip!=ip("::1")',
      '{a="b"} | ( ( took>1m30s , size<=1.5kB ) or n==16 ) | ip!=ip("::1")',
    ],
    ['{a="b"}|regexp "(?P<x>.)"|pattern "<_> <y>"', '{a="b"} | regexp "(?P<x>.)" | pattern "<_> <y>"'],
    ['{a="b"}|line_format "{{.x}}"', '{a="b"} | line_format "{{.x}}"'],
    [
      'quantile_over_time(0.99,{a="b"}|unwrap duration(x)|__error__=""[1h30m] offset 5m) by (y)',
      'quantile_over_time(0.99,{a="b"} | unwrap duration(x) | __error__=""[1h30m] offset 5m0s) by (y)',
    ],
    ['sum by () (rate({a="b"}[1d]))', 'sum(rate({a="b"}[1d]))'],
    [
      'rate({a="b"}[1m])/on(x)group_left(y)rate({a="c"}[1m])>bool 1',
      '((rate({a="b"}[1m]) / on (x) group_left (y) rate({a="c"}[1m])) > bool 1)',
    ],
    [
      '{a=~"5.."}|b=~"5.."|c!~"5.."|d=~"5.*"|e=~"5`.."|drop f=~"5.."',
      '{a=~"5.."} | b=~`5..` | c!~"5.." | d=~"5.*" | e=~"5`.." | drop f=~"5.."',
    ],
    ['vector(0.5)', 'vector(0.500000)'],
    ['vector(1)>on(x)vector(2)', '(vector(1.000000) > on (x)  vector(2.000000))'],
    ['vector(1)>on()vector(2)', '(vector(1.000000) > on ()  vector(2.000000))'],
    ['vector(1)>bool ignoring()group_left vector(2)', '(vector(1.000000) > bool vector(2.000000))'],
    ['{a="b"}|="\u001b[1m\u007f\u200b\u{e0001}é☕"', String.raw`{a="b"} |= "\x1b[1m\x7f\u200b\U000e0001é☕"`],
  ])('%s is %s', (query, shown) => {
    expect(logql.format(query)).toBe(shown);
  });

  it('reads back as the same query, once it is so written', () => {
    for (const [query] of planned) {
      const shown = showLogql(parseLogql(query));
      expect(showLogql(parseLogql(shown))).toBe(shown);
    }
  });
});

describe('a query too long for one line', () => {
  it('has a line for each stage, argument and operand', () => {
    const query =
      'sum by (app, level)(rate({app=~"checkout|payments", env="production"} |= "error" != "expected" | json | status >= 500 | unwrap bytes(size)[5m])) / topk(3, rate({app="checkout"}[5m]))';
    expect(logql.format(query)).toBe(
      [
        '  sum by (app, level)(',
        '    rate(',
        '      {app=~"checkout|payments", env="production"} |= "error" != "expected" | json | status>=500',
        '        | unwrap bytes(size) [5m]',
        '    )',
        '  )',
        '/',
        '  topk(3,rate({app="checkout"}[5m]))',
      ].join('\n'),
    );
  });

  it('has neighbouring line filters on one line while they fit there', () => {
    const long = 'x'.repeat(60);
    expect(logql.format(`{a="b"} |= "${long}" != "c" | json |~ "${long}" | line_format "{{.x}}"`)).toBe(
      ['{a="b"}', `  |= "${long}" != "c"`, '  | json', `  |~ "${long}"`, '  | line_format "{{.x}}"'].join(
        '\n',
      ),
    );
  });

  it('has the blanks that Loki forgets or leaves', () => {
    const long = 'ä'.repeat(46);
    const query = `sum without ()(rate({a="b"} |= "${long}" | decolorize | json[5m])) > on () (vector(1) == on (x, y) rate({a="b"} |= "${long}"[5m]))`;
    expect(logql.format(query)).toBe(
      [
        '  sum without(',
        '    rate(',
        '      {a="b"}',
        `        |= "${long}"`,
        '| decolorize',
        '        | json [5m]',
        '    )',
        '  )',
        '>',
        '    vector(1.000000)',
        '  == on (x, y) ',
        '    rate(',
        '      {a="b"}',
        `        |= "${long}" [5m]`,
        '    )',
      ].join('\n'),
    );
  });

  it('reads back as the same query', () => {
    const stage = fc.constantFrom(
      '|= "error"',
      '| json',
      '| status >= 500 or level="warn"',
      '| drop a, b="c"',
    );
    fc.assert(
      fc.property(fc.array(stage, { maxLength: 12 }), (stages) => {
        const query = `sum by (app)(rate({app="shop"} ${stages.join(' ')}[5m]))`;
        expect(showLogql(parseLogql(logql.format(query)))).toBe(showLogql(parseLogql(query)));
      }),
    );
  });
});
