/** LogQL queries and the plan that each becomes, as `explain` writes it without times and limits. */
export const planned: readonly (readonly [query: string, plan: string])[] = [
  ['{app="a", b!~`x`}', '{app="a",b!~"x"} [0s, 3600s)'],
  ['{app=~"a|b"} |= "x" or "y" != "z"', '{app=~"a|b"} [0s, 3600s) | line |= "x" or "y" | line != "z"'],
  ['({app="a"})', '{app="a"} [0s, 3600s)'],
  ['{app="a"} |~ "(?i)x" !~ `\\d+`', String.raw`{app="a"} [0s, 3600s) | line |~ "(?i)x" | line !~ "\\d+"`],
  ['{app="a"} | json', '{app="a"} [0s, 3600s) | json'],
  ['{app="a"} | json x="a.b[0]", status', '{app="a"} [0s, 3600s) | json x="a.b[0]", status="status"'],
  [
    '{app="a"} | logfmt --strict --keep-empty id, why="msg"',
    '{app="a"} [0s, 3600s) | logfmt --strict --keep-empty id="id", why="msg"',
  ],
  ['{app="a"} | a="x" or b>=1.5 and c<1MB', '{app="a"} [0s, 3600s) | (a="x" or (b >= 1.5 and c < 1000000B))'],
  [
    '{app="a"} | (a="x" or b!="y") and c=~"z" | d!~"e"',
    '{app="a"} [0s, 3600s) | ((a="x" or b!="y") and c is "z") | d is not "e"',
  ],
  ['{app="a"} | a="x", b>2 or c<3', '{app="a"} [0s, 3600s) | (a="x" and (b > 2 or c < 3))'],
  [
    '{app="a"} | took > -1m30s | size != 10KiB | n == -2 | m = 031',
    '{app="a"} [0s, 3600s) | took > -90s | size != 10240B | n == -2 | m == 31',
  ],
  ['{app="a"} | drop a, b="c", d!~"e" | keep f', '{app="a"} [0s, 3600s) | drop a, b="c", d!~"e" | keep f'],
  ['{app="a"} // all /* of it', '{app="a"} [0s, 3600s)'],
  ['{app="a"} /* all\nof it */ |= "x"', '{app="a"} [0s, 3600s) | line |= "x"'],
  ['{app="a"} # all of it', '{app="a"} [0s, 3600s)'],
  [
    'SUM(Rate({app="a"} | JSON | a="1" AND b="2" [5m])) BY (App)',
    'sum by (App) (rate({app="a"} | json | (a="1" and b="2") [300s]))',
  ],
  ['rate({app="a"}[5m])', 'rate({app="a"} [300s])'],
  ['rate({app="a"}[0s])', 'rate({app="a"} [0s])'],
  [
    'count_over_time({app="a"}[20m] |= "x" | json)',
    'count_over_time({app="a"} | line |= "x" | json [1200s])',
  ],
  [
    'count_over_time(({app="a"} |= "x")[1h15m30s] offset -5m)',
    'count_over_time({app="a"} | line |= "x" [4530s] offset -300s)',
  ],
  [
    'bytes_rate({app="a"} | logfmt | level="error" [1m] offset 3m)',
    'bytes_rate({app="a"} | logfmt | level="error" [60s] offset 180s)',
  ],
  ['bytes_over_time(({app="a"}[1d]))', 'bytes_over_time({app="a"} [86400s])'],
  ['absent_over_time({app="a", b!="c"}[5m])', 'absent(count_over_time({app="a",b!="c"} [300s])) {app="a"}'],
  ['sum(count_over_time({app="a"}[1m])) by (x, y)', 'sum by (x, y) (count_over_time({app="a"} [60s]))'],
  ['sum without () (rate({app="a"}[1m]))', 'sum without () (rate({app="a"} [60s]))'],
  ['topk(3, rate({app="a"}[1m]))', 'topk(3, rate({app="a"} [60s]))'],
  ['sort_desc(rate({app="a"}[1m]))', 'sort_desc(rate({app="a"} [60s]))'],
  ['vector(1) - 2 - 3 * 2 ^ 3 ^ 2', '((vector(1) - 2) - 1536)'],
  ['1 > 1 > bool vector(1)', '(0 > bool vector(1))'],
  ['vector(1) + vector(1)', '(vector(1) + ignoring () oneToOne vector(1))'],
  [
    'rate({app="a"}[1m]) > bool 2 or vector(0) unless vector(1)',
    '((rate({app="a"} [60s]) > bool 2) or ignoring () manyToMany (vector(0) unless ignoring () manyToMany vector(1)))',
  ],
  [
    'rate({app="a"}[1m]) / on (a, b) group_left (c) rate({app="b"}[1m])',
    '(rate({app="a"} [60s]) / on (a, b) manyToOne include (c) rate({app="b"} [60s]))',
  ],
  [
    'rate({app="a"}[1m]) * ignoring () group_right () rate({app="b"}[1m])',
    '(rate({app="a"} [60s]) * ignoring () oneToMany rate({app="b"} [60s]))',
  ],
  [
    'rate({app="a"}[1m]) and ignoring (x) (rate({app="b"}[1m]) + 1)',
    '(rate({app="a"} [60s]) and ignoring (x) manyToMany (rate({app="b"} [60s]) + 1))',
  ],
  [
    'label_replace(rate({app="a"}[1m]), "to", "$1", "from", "(.*)")',
    'label_replace(rate({app="a"} [60s]), "to", "$1", "from", "(.*)")',
  ],
  [
    '{app="a"} | a="1" or a="2" or a="3" or a="4" and b="5"',
    '{app="a"} [0s, 3600s) | ((a="1" or a="2") or (a="3" or (a="4" and b="5")))',
  ],
  [
    '{app="api"} | line_format "{{.x}}" | label_format a=b, c="{{.d}}"',
    '{app="api"} [0s, 3600s) | line_format "{{.x}}" | label_format a=b, c="{{.d}}"',
  ],
  [
    '{app="api"} | pattern "<a> b" | regexp "(?P<x>a)" | unpack | decolorize',
    '{app="api"} [0s, 3600s) | pattern "<a> b" | regexp "(?P<x>a)" | unpack | decolorize',
  ],
  [
    '{app="api"} |= ip("10.0.0.1") or "x" !> "<_>x" | a != ip("10.0.0.0/8")',
    '{app="api"} [0s, 3600s) | line |= ip("10.0.0.1") or "x" | line !> "<_>x" | a != ip("10.0.0.0/8")',
  ],
  [
    'quantile_over_time(0.9, {app="a"} | logfmt | unwrap duration(took) | took > 1s [5m]) by (x)',
    'quantile_over_time(0.9, {app="a"} | logfmt | unwrap duration(took) | took > 1s [300s]) by (x)',
  ],
  [
    'absent_over_time({app="a"} | unwrap n [5m])',
    'absent(count_over_time({app="a"} | unwrap n [300s])) {app="a"}',
  ],
  ['sum_over_time({app="a"} | unwrap bytes(n) [5m])', 'sum_over_time({app="a"} | unwrap bytes(n) [300s])'],
];

/** LogQL queries that are refused, and the message that people read. */
export const refused: readonly (readonly [query: string, message: string])[] = [
  ['{app="api"} | n > 0B', 'parse error at line 1, col 19: decimal literal has no digits'],
  ['{app="api"} | n > 08', "parse error at line 1, col 19: invalid digit '8' in octal literal"],
  ['1 + approx_topk(2, rate({app="a"}[1m]))', 'count min sketches are only supported on instant queries'],
  [
    'rate({app="a"}[1m]) / on (x) group_left (sum(rate({app="b"}[1m])))',
    'parse error at line 1, col 42: syntax error: unexpected SUM, expecting IDENTIFIER or )',
  ],
  [
    'count_over_time({app="a"} |~ "(" | unwrap x [1m]) by (y)',
    'parse error : grouping not allowed for count_over_time aggregation',
  ],
  ['app="api"', 'parse error at line 1, col 1: syntax error: unexpected IDENTIFIER'],
  [
    '{app="api"} | n > 0x10',
    'parse error : unable to parse literal as a float: strconv.ParseFloat: parsing "0x10": invalid syntax',
  ],
  [
    'vector(1e999)',
    'parse error : unable to parse vectorExpr as a float: strconv.ParseFloat: parsing "1e999": value out of range',
  ],
  ['{app="api"} | size > 5mb | x="y"', 'parse error at line 1, col 26: syntax error: unexpected |'],
  [
    '{app=~".*"}',
    'parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance, app=~".*" does not meet this requirement, but app=~".+" will',
  ],
  [
    '{app="", env!="x", host!~".+"}',
    'parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance, app=~".*" does not meet this requirement, but app=~".+" will',
  ],
  [
    '{}',
    'parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance, app=~".*" does not meet this requirement, but app=~".+" will',
  ],
  ['{app="api"} |= ', 'parse error at line 1, col 16: syntax error: unexpected $end, expecting STRING or ip'],
  ['{app="api"} | json |', 'parse error at line 1, col 21: syntax error: unexpected $end'],
  [
    '{app="api"} | logfmt --wrong',
    'parse error at line 1, col 24: syntax error: unexpected IDENTIFIER, expecting NUMBER',
  ],
  ['{app="api"} | json x=', 'parse error at line 1, col 22: syntax error: unexpected $end, expecting STRING'],
  [
    '{app="api"} | line_format',
    'parse error at line 1, col 26: syntax error: unexpected $end, expecting STRING',
  ],
  ['{app="api"} = ip("x")', 'parse error at line 1, col 13: syntax error: unexpected ='],
  [
    '{app="api"} |~ ip("10.0.0.1") or "x"',
    `parse error : stage '|~ ip("10.0.0.1") or "x"' : ip: invalid operation`,
  ],
  ['{app=~"("}', 'parse error : error parsing regexp: missing closing ): `(`'],
  [
    '{app="api"} |~ "*"',
    `parse error : stage '|~ "*"' : error parsing regexp: missing argument to repetition operator: \`*\``,
  ],
  ['{app="api"} | x=~"[a"', 'parse error : error parsing regexp: missing closing ]: `[a`'],
  ['{app="api"} | drop x!~"a)"', 'parse error : error parsing regexp: unexpected ): `a)`'],
  [
    '{app="api"} | regexp "("',
    'parse error : invalid regexp parser: error parsing regexp: missing closing ): `(`',
  ],
  [
    'label_replace(rate({app="api"}[1m]), "a", "b", "c", "(")',
    'parse error : invalid regex in label_replace: error parsing regexp: missing closing ): `^(?:()$`',
  ],
  ['{app="api"} |= ip("x")', `parse error : stage '|= ip("x")' : ip: invalid pattern: "x"`],
  [
    '{app="api"} | x=ip("10.0.0.9-10.0.0.1")',
    `parse error : stage '| x=ip("10.0.0.9-10.0.0.1")' : ip: invalid pattern: "10.0.0.9-10.0.0.1"`,
  ],
  ['', 'parse error : syntax error: unexpected $end'],
  [
    'rate({app="a"} | unwrap )',
    'parse error at line 1, col 25: syntax error: unexpected ), expecting IDENTIFIER or BYTES_CONV or DURATION_CONV or DURATION_SECONDS_CONV',
  ],
  ['{app="a"} | unwrap x', 'parse error at line 1, col 13: syntax error: unexpected unwrap'],
  [
    '{app="a"} != 5',
    'parse error at line 1, col 14: syntax error: unexpected NUMBER, expecting STRING or ip',
  ],
  [
    'rate(({app="a"} | json) | a="b" [5m])',
    'parse error at line 1, col 25: syntax error: unexpected |, expecting RANGE',
  ],
  ['{app="a"} ! "never closed', 'parse error at line 1, col 11: syntax error: unexpected IDENTIFIER'],
  ['{app="api"} |> <_>', 'parse error at line 1, col 16: syntax error: unexpected <, expecting STRING or ip'],
  [
    '{app="api"} | a =~ 5',
    'parse error at line 1, col 20: syntax error: unexpected NUMBER, expecting STRING',
  ],
  [
    '{app="api",app}',
    'parse error at line 1, col 15: syntax error: unexpected }, expecting = or =~ or !~ or !=',
  ],
  ['{app="api",}', 'parse error at line 1, col 12: syntax error: unexpected }, expecting IDENTIFIER'],
  [
    '{"app"="api"}',
    'parse error at line 1, col 2: syntax error: unexpected STRING, expecting IDENTIFIER or }',
  ],
  ['{app="sparse"', 'parse error at line 1, col 14: syntax error: unexpected $end, expecting } or ,'],
  ['{app="unterminated}', 'parse error at line 1, col 6: literal not terminated'],
  ['{app="a"} ; {app="b"}', 'parse error at line 1, col 11: syntax error: unexpected IDENTIFIER'],
  ['({app="api"}) |= "x"', 'parse error at line 0, col 15: syntax error: unexpected |='],
  ['rate({app="api"}[])', 'parse error at line 0, col 17: empty duration string'],
  ['rate({app="api"}[-5m])', 'parse error at line 0, col 17: not a valid duration string: "-5m"'],
  [
    'rate({app="api"}[5minutes])',
    'parse error at line 0, col 17: unknown unit "minutes" in duration "5minutes"',
  ],
  ['rate({app="api"}[1m5h])', 'parse error at line 0, col 17: not a valid duration string: "1m5h"'],
  ['rate({app="api"}[1.5h])', 'parse error at line 0, col 17: unknown unit "." in duration "1.5h"'],
  ['rate({app="api"}[5m', "parse error at line 0, col 17: missing closing ']' in duration"],
  [
    'rate(foo, {app="api"}[5m])',
    'parse error at line 1, col 6: syntax error: unexpected IDENTIFIER, expecting NUMBER or { or (',
  ],
  ['rate({app="api"})', 'parse error at line 1, col 17: syntax error: unexpected )'],
  ['sum({app="api"})', 'parse error at line 1, col 16: syntax error: unexpected )'],
  [
    'sum by (a rate({app="api"}[5m]))',
    'parse error at line 1, col 11: syntax error: unexpected RATE, expecting , or )',
  ],
  [
    'quantile_over_time({app="api"} | unwrap x [5m])',
    'parse error : parameter required for operation quantile_over_time',
  ],
  ['rate_counter({app="api"}[5m])', 'parse error : invalid aggregation rate_counter without unwrap'],
  [
    'count_over_time({app="api"} | unwrap x [5m])',
    'parse error : invalid aggregation count_over_time with unwrap',
  ],
  [
    'count_over_time({app="api"}[5m]) by (x)',
    'parse error : grouping not allowed for count_over_time aggregation',
  ],
  ['rate(0.5, {app="api"}[5m])', 'parse error : parameter 0.5 not supported for operation rate'],
  ['topk(rate({app="api"}[1m]))', 'parse error : parameter required for operation topk'],
  ['topk(0, rate({app="api"}[1m]))', 'parse error : invalid parameter (must be greater than 0) topk(0'],
  ['topk(1.5, rate({app="api"}[1m]))', 'parse error : invalid parameter topk(1.5,'],
  ['sort(rate({app="api"}[1m])) by (app)', "parse error : sort and sort_desc doesn't allow grouping by "],
  [
    'sum by (rate({app="api"}[1m]))',
    'parse error at line 1, col 9: syntax error: unexpected RATE, expecting IDENTIFIER or )',
  ],
  ['topk(-1, rate({app="api"}[1m]))', 'parse error at line 1, col 8: syntax error: unexpected ,'],
  ['sum(3, rate({app="api"}[1m]))', 'parse error : unsupported parameter for operation sum(3,'],
  ['sum(1)', 'parse error : unexpected literal 1 in sum(); it takes series, such as rate({…}[5m])'],
  [
    'approx_topk(2, rate({app="api"}[1m])) by (app)',
    'parse error : grouping not allowed for approx_topk aggregation',
  ],
  ['rate({app="api"}[5m]) +', 'parse error at line 1, col 24: syntax error: unexpected $end'],
  [
    '{app="api"} or {app="worker"}',
    'parse error : unexpected type for left leg of binary operation (or): *syntax.MatchersExpr',
  ],
  [
    '{app="api"} |= "x" + 1',
    'parse error : unexpected type for left leg of binary operation (+): *syntax.PipelineExpr',
  ],
  [
    'vector(1) and 2',
    'parse error : unexpected literal for right leg of logical/set binary operation (and): 2.000000',
  ],
  ['vector(x)', 'parse error at line 1, col 8: syntax error: unexpected IDENTIFIER, expecting NUMBER'],
  ['"just a string"', 'parse error at line 1, col 1: syntax error: unexpected STRING'],
  [
    '{app="api"} | pattern "nothing here"',
    'parse error : invalid pattern parser: at least one capture is required',
  ],
  [
    '{app="api"} | pattern "<a> <a>"',
    'parse error : invalid pattern parser: duplicate capture name (a): invalid expression',
  ],
  [
    '{app="api"} | pattern "<a><b>"',
    "parse error : invalid pattern parser: found consecutive capture '<a><b>': invalid expression",
  ],
  [
    '{app="api"} | pattern ""',
    'parse error : invalid pattern parser: parse error at line 1, col 1: syntax error: unexpected $end, expecting IDENTIFIER or LITERAL',
  ],
  [
    String.raw`{app="api"} | regexp "step (\\d+)"`,
    'parse error : invalid regexp parser: at least one named capture must be supplied',
  ],
  [
    '{app="api"} | regexp "(?P<x>a)(?P<x>b)"',
    "parse error : invalid regexp parser: duplicate extracted label name 'x'",
  ],
  [
    '{app="api"} | label_format a="x", a="y"',
    `parse error : stage '| label_format a="x",a="y"' : multiple label name 'a' not allowed in a single format operation`,
  ],
  [
    '{app="api"} | label_format __error__="x"',
    `parse error : stage '| label_format __error__="x"' : __error__ cannot be formatted`,
  ],
  ['{app="api"} |> "<a>x"', `parse error : stage '|> "<a>x"' : named captures are not allowed: found '<a>'`],
  [
    '{app="api"} !> "<_><_>"',
    `parse error : stage '!> "<_><_>"' : found consecutive capture '<_><_>': invalid expression`,
  ],
  [
    'sum_over_time({app="api"} | unwrap duration(x) | x > 1 [5m]) by (a)',
    'parse error : grouping not allowed for sum_over_time aggregation',
  ],
];
