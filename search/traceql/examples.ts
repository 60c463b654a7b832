/** TraceQL queries and the plan that each becomes, as `explain` writes it without times and limits. */
export const planned: readonly (readonly [query: string, plan: string])[] = [
  ['{ }', '{ }'],
  ['{ name = "x" }', '{ name = `x` } select name'],
  ['{ .a = 1 || .b = 2 && .c = 3 }', '{ ((.a = 1) || (.b = 2)) && (.c = 3) } select .a, .b, .c'],
  ['{ .a = 1 && (.b = 2 || .c = 3) }', '{ (.a = 1) && ((.b = 2) || (.c = 3)) } select .a, .b, .c'],
  [
    '{ 1 + 2 * 3 ^ 2 ^ 2 - .a / 4 % 5 > 0.5 }',
    '{ ((1 + (2 * (3 ^ (2 ^ 2)))) - ((.a / 4) % 5)) > 0.5 } select .a',
  ],
  ['{ -.a * 2 + 1 > -5 && !.ok = false }', '{ ((-(.a * 2) + 1) > -5) && (!.ok = false) } select .a, .ok'],
  [
    '{ .a != nil && .b = true && status = error && kind != consumer }',
    '{ ((.a != nil) && (.b = true)) && ((status = error) && (kind != consumer)) } select .a, .b, status, kind',
  ],
  [
    '{ resource."a b".c =~ "x.*" && span."say \\"hi\\"" !~ `y` }',
    '{ (resource."a b.c" =~ `x.*`) && (span."say \\"hi\\"" !~ `y`) } select resource."a b.c", span."say \\"hi\\""',
  ],
  [
    '{ event.exception.type = "E" && link.n < 2 && instrumentation.x >= 3 }',
    '{ ((event.exception.type = `E`) && (link.n < 2)) && (instrumentation.x >= 3) } select event.exception.type, link.n, instrumentation.x',
  ],
  ['{ parent.a = parent.span.b }', '{ parent.a = parent.span.b } select parent.a, parent.span.b'],
  [
    '{ duration > 1.5s && span:duration <= 250ms && traceDuration < 1d }',
    '{ ((duration > 1.5s) && (duration <= 250ms)) && (traceDuration < 24h0m0s) } select duration, traceDuration',
  ],
  [
    '{ span:id = "1" || trace:id = "2" || span:parentID = "3" || link:spanID = "4" }',
    '{ ((span:id = `1`) || (trace:id = `2`)) || ((span:parentID = `3`) || (link:spanID = `4`)) } select span:id, trace:id, span:parentID, link:spanID',
  ],
  [
    '{ nestedSetParent < 0 && span:childCount = 0 && trace:rootService = rootServiceName }',
    '{ ((nestedSetParent < 0) && (span:childCount = 0)) && (rootServiceName = rootServiceName) } select nestedSetParent, span:childCount, rootServiceName',
  ],
  [
    '{ .a-b = 1 /* kept whole */ && .c - 1 = 2 } // as it is',
    '{ (.a-b = 1) && ((.c - 1) = 2) } select .a-b, .c',
  ],
  [
    '{ .ok } && { } || { name = "x" } >> { } > { .y }',
    '(({ .ok } && { }) || (({ name = `x` } >> { }) > { .y })) select .ok, name, .y',
  ],
  ['{ } << { } < { } ~ { }', '((({ } << { }) < { }) ~ { })'],
  ['{ } !>> { } !> { } !<< { } !< { } !~ { }', '((((({ } !>> { }) !> { }) !<< { }) !< { }) !~ { })'],
  ['{ } &>> { } &> { } &<< { } &< { } &~ { }', '((((({ } &>> { }) &> { }) &<< { }) &< { }) &~ { })'],
  ['({ .a } || { .b }) > { .c }', '(({ .a } || { .b }) > { .c }) select .a, .b, .c'],
  ['{ .a } | { .b } | count() >= 2', '{ .a } | { .b } | count() >= 2 select .a, .b'],
  ['avg(duration) > 20s', '{ } | avg(duration) > 20s select duration'],
  ['{ } | 2 < max(.a + 1)', '{ } | max(.a + 1) > 2 select .a'],
  ['min(.n) < 7 / 2 * 3', '{ } | min(.n) < 9 select .n'],
  ['{ } | max(.a) > 10 ^ 2 ^ -1 + 2 ^ 99 - 1', '{ } | max(.a) > 9223372036854775807 select .a'],
  ['{ } | max(.a) > 1.5 - 2', '{ } | max(.a) > -0.5 select .a'],
  ['{ } | sum(.a) = -1.5 | min(.b) != 3', '{ } | sum(.a) == -1.5 | min(.b) != 3 select .a, .b'],
  [
    '{ } | by(resource.service.name) | count() > 4 | coalesce()',
    '{ } | by(resource.service.name) | count() > 4 | coalesce() select resource.service.name',
  ],
  ['{ .a } | select(name, .a, event.x)', '{ .a } select .a, name, .a, event.x'],
  ['{ .a = 1 } >> { .b = 2 } | select(.a) | select(.a)', '({ .a = 1 } >> { .b = 2 }) select .a, .b, .a'],
  [
    '({ .a } | count() > 3) && ({ .b } | by(.c))',
    '({ .a } | count() > 3 && { .b } | by(.c)) select .a, .b, .c',
  ],
  ['{ } with (most_recent=true, x="y")', '{ }'],
  [
    '{ .a || .b || .c || .d || .e && .f && .g }',
    '{ ((((.a || .b) || .c) || (.d || .e)) && .f) && .g } select .a, .b, .c, .d, .e, .f, .g',
  ],
  [
    '{ .a } || { .b } || { .c } || { .d } && { .e }',
    '((({ .a } || { .b }) || ({ .c } || { .d })) && { .e }) select .a, .b, .c, .d, .e',
  ],
];

/** TraceQL queries that are refused, and the message that people read. */
export const refused: readonly (readonly [query: string, message: string])[] = [
  ['', 'parse error : syntax error: unexpected $end'],
  ['}', 'parse error at line 1, col 1: syntax error: unexpected }'],
  ['{ name = "x" ', 'parse error at line 1, col 14: syntax error: unexpected $end'],
  ['{ nosuch = "x" }', 'parse error at line 1, col 3: unknown identifier: nosuch'],
  [
    '{ span. = 1 }',
    'parse error at line 0, col 3: syntax error: unexpected END_ATTRIBUTE, expecting IDENTIFIER',
  ],
  ['{ span."open = 1 }', 'parse error at line 0, col 3: unexpected EOF, expecting "'],
  ['{ .a < }', 'parse error at line 1, col 8: syntax error: unexpected }'],
  ['{ .a = nil nil }', 'parse error at line 1, col 12: syntax error: unexpected nil'],
  ['{ name = "x }', 'parse error at line 1, col 10: literal not terminated'],
  ['{ .a ; .b }', 'parse error at line 1, col 6: syntax error: unexpected ;'],
  ['{ span:rootName = "x" }', 'parse error at line 1, col 8: syntax error: unexpected rootName'],
  ['{ parent = 1 }', 'line 1, col 3: the intrinsic parent is not supported; rewrite the query without it'],
  [
    '{ .a = 99999999999999999999 }',
    'parse error at line 1, col 8: strconv.Atoi: parsing "99999999999999999999": value out of range',
  ],
  ['{ } | count()', 'parse error at line 1, col 14: syntax error: unexpected $end'],
  ['{ } | nosuch() > 1', 'parse error at line 1, col 7: syntax error: unexpected IDENTIFIER'],
  ['{ } | by()', 'parse error at line 1, col 10: syntax error: unexpected )'],
  ['{ } | by(1)', 'grouping field expressions must reference the span: 1'],
  ['{ } | max() > 1', 'parse error at line 1, col 11: syntax error: unexpected )'],
  ['{ } | max(name) > 1', 'aggregate field expressions must resolve to a number type: max(name)'],
  ['{ } | max(1) > 1', 'aggregate field expressions must reference the span: max(1)'],
  ['coalesce()', 'parse error at line 1, col 1: syntax error: unexpected coalesce'],
  [
    '{ } | max(.a) > 1 / 0',
    'line 1, col 17: arithmetic in an aggregate filter is not supported; rewrite the query without it',
  ],
  ['{ } | count() > "x"', 'illegal operation for the given types: `x`'],
  ['{ } | coalesce(', 'parse error at line 1, col 16: syntax error: unexpected $end, expecting )'],
  ['{ } | select(x)', 'parse error at line 1, col 14: unknown identifier: x'],
  ['{ } = { }', 'parse error at line 1, col 5: syntax error: unexpected =, expecting with'],
  ['{ } &&', 'parse error at line 1, col 7: syntax error: unexpected $end, expecting { or ('],
  ['name = "x"', 'parse error at line 1, col 1: syntax error: unexpected name'],
  ['{ } with (most_recent)', 'parse error at line 1, col 22: syntax error: unexpected ), expecting ='],
  ['{ } with (a=1', 'parse error at line 1, col 14: syntax error: unexpected $end, expecting ) or ,'],
  ['{ duration > "x" }', 'binary operations must operate on the same type: duration > `x`'],
  ['{ kind = "server" }', 'binary operations must operate on the same type: kind = `server`'],
  ['{ true + 1 = 2 }', 'binary operations must operate on the same type: true + 1'],
  ['{ "text" }', 'span filter field expressions must resolve to a boolean: { `text` }'],
  ['{ name =~ 5 }', 'binary operations must operate on the same type: name =~ 5'],
  ['{ name && true }', 'binary operations must operate on the same type: name && true'],
  ['{ status > ok }', 'illegal operation for the given types: status > ok'],
  ['{ kind < consumer }', 'illegal operation for the given types: kind < consumer'],
  ['{ span:status = nil }', 'status=nil is not valid because intrinsics cannot be nil'],
  [
    '{ nil = resource.service.name }',
    'resource.service.name=nil is not valid because resource.service.name cannot be nil',
  ],
  ['{ span.foo !~ "[" }', 'invalid regex: `[`'],
  ['{ name =~ .a }', 'invalid type for =~ or !~: .a'],
  ['{ -"x" = 1 }', 'illegal operation for the given type: -`x`'],
  ['{ !duration }', 'illegal operation for the given type: !duration'],
  ['({ } | rate()) && { }', 'parse error at line 0, col 16: syntax error: unexpected &&, expecting with'],
  [
    '{ } | count() > count()',
    'line 1, col 7: a comparison of two aggregates is not supported; rewrite the query without it',
  ],
  [
    '{ } | count() + 1 > 2',
    'line 1, col 7: arithmetic on aggregates is not supported; rewrite the query without it',
  ],
  [
    '{ } | 1 > 2',
    'line 1, col 7: a comparison of two constants is not supported; rewrite the query without it',
  ],
  [
    '{ } | ({ } && { })',
    'line 1, col 12: an operation between span sets after | is not supported; rewrite the query without it',
  ],
  [
    '({ } | count()) > 2',
    'line 1, col 15: an aggregate of a pipeline in parentheses is not supported; rewrite the query without it',
  ],
];

/** Metrics queries, and the plan that each becomes, as `explain` writes it without times and limits. */
export const plannedMetrics: readonly (readonly [query: string, plan: string])[] = [
  ['{ } | rate()', '{ } | rate()'],
  [
    '{ .a } | by(.b) | count() > 2 | count_over_time() by (resource.service.name, span:kind)',
    '{ .a } | by(.b) | count() > 2 | count_over_time() by (resource.service.name, kind)',
  ],
  ['{ } | max_over_time(span:duration) by (.x)', '{ } | max_over_time(duration) by (.x)'],
  [
    '{ } | quantile_over_time(duration, .5, 1, 0.99) by (name)',
    '{ } | quantile_over_time(duration, 0.5, 1, 0.99) by (name)',
  ],
  ['{ } | histogram_over_time(.n) with (sample=true)', '{ } | histogram_over_time(.n)'],
  ['{ } >> { .b } | avg_over_time(.n)', '({ } >> { .b }) | avg_over_time(.n)'],
  ['{ } | compare({ status = error })', '{ } | compare({ status = error }, 10)'],
  ['{ } | compare({ }, 3, 5, 7)', '{ } | compare({ }, 3, 5, 7)'],
  [
    '{ } | rate() by (name) | topk(3) > 0.5 | bottomk(1) != 2',
    '{ } | rate() by (name) | topk(3) > 0.5 | bottomk(1) != 2',
  ],
  ['{ } | max_over_time(duration) >= 1500ms', '{ } | max_over_time(duration) >= 1.5'],
  ['{ } | rate() > -(1 + 2 * 3) / 2', '{ } | rate() > -3'],
  ['({ .a } | rate()) / ({ } | rate()) * 100', '(({ .a } | rate()) / ({ } | rate())) * 100'],
  [
    '1 - (({ .a } && { .b } | rate()) - ({ } | rate() > 2)) > 0.5',
    '1 - ((({ .a } && { .b }) | rate()) - ({ } | rate() > 2)) > 0.5',
  ],
  ['(({ } | rate() by (name))) | topk(2)', '{ } | rate() by (name) | topk(2)'],
];

/** Metrics queries that are refused, and the message that people read. */
export const refusedMetrics: readonly (readonly [query: string, message: string])[] = [
  ['{ }', 'not a metrics query'],
  ['{ } | rate', 'parse error at line 1, col 11: syntax error: unexpected $end, expecting ('],
  ['{ } | rate() by ()', 'parse error at line 1, col 18: syntax error: unexpected )'],
  ['{ } | rate() by (x)', 'parse error at line 1, col 18: unknown identifier: x'],
  ['{ } | rate() == 5', 'parse error at line 1, col 15: syntax error: unexpected ='],
  ['({ } | rate()) % 2', 'parse error at line 1, col 16: syntax error: unexpected %, expecting with'],
  ['{ } | by(.a) && { }', 'parse error at line 0, col 14: syntax error: unexpected &&, expecting with'],
  [
    '{ } | rate() | rate()',
    'parse error at line 1, col 16: syntax error: unexpected rate, expecting topk or bottomk',
  ],
  ['{ } | rate() | topk(-1)', 'parse error at line 1, col 21: syntax error: unexpected -, expecting INTEGER'],
  ['{ } | rate() | topk(0)', 'limit must be greater than 0'],
  ['{ } | rate() by (.a, .b, .c, .d, .e, .f)', 'metrics group by 6 values not yet supported'],
  ['{ } | histogram_over_time(.n) by (.a, .b, .c, .d, .e)', 'metrics group by 5 values not yet supported'],
  [
    '{ } | quantile_over_time(duration)',
    'parse error at line 1, col 34: syntax error: unexpected ), expecting ,',
  ],
  ['{ } | quantile_over_time(duration, 1.5)', 'quantile must be between 0 and 1: 1.5'],
  ['{ } | max_over_time()', 'parse error at line 1, col 21: syntax error: unexpected )'],
  ['{ duration > "x" } | rate()', 'binary operations must operate on the same type: duration > `x`'],
  ['{ } | compare({ "x" })', 'span filter field expressions must resolve to a boolean: { `x` }'],
  ['{ } | compare({ }, 0)', 'compare() top number of values must be an integer between 1 and 1000'],
  ['{ } | compare({ }, 5, 9, 7)', 'compare() end timestamp must be greater than start timestamp'],
  ['{ } | compare({ }) | topk(2)', '`compare()` cannot be used with second stage functions'],
  [
    '({ } | rate()) * 5s',
    'parse error at line 1, col 20: duration cannot be used as a scalar operand in metric arithmetic',
  ],
  ['({ } | rate()) > 1s + 2', 'parse error at line 1, col 24: duration cannot be used in scalar arithmetic'],
  ['({ } | rate()) + 1 / 0', 'parse error at line 1, col 23: division by zero'],
  ['({ } | rate()) + "x"', 'parse error at line 1, col 21: only numbers are operands in metric arithmetic'],
];
