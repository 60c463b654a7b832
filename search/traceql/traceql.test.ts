import { describe, expect, it } from 'vitest';
import { QueryTextError } from '../errors.ts';
import { explain } from '../plan/explain.ts';
import { planned, plannedMetrics, refused, refusedMetrics } from './examples.ts';
import { showExpr } from './show.ts';
import { traceql } from './traceql.ts';

const how = { from: 0n, to: 3_600_000_000_000n, limit: 20, spansPerSet: 3, summariesOnly: false };

describe('a TraceQL query', () => {
  it.each(planned)('%s is planned as %s', (query, plan) => {
    expect(explain(traceql.plan(query, how))).toBe(`traces [0s, 3600s): ${plan} limit 20×3`);
  });
  it.each(refused)('%s is refused: %s', (query, message) => {
    expect(() => traceql.plan(query, how)).toThrow(expect.objectContaining({ message }));
  });
  it('tells in its error where it was wrong', () => {
    try {
      traceql.plan('{ .a = 1 }\n && { nosuch }', how);
      expect.unreachable();
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(QueryTextError);
      expect(thrown).toMatchObject({ language: 'traceql', line: 2, column: 7 });
    }
  });
});

const over = { from: 0n, to: 3_600_000_000_000n, step: 60_000_000_000n };
const limits = { exemplars: 100, exemplarsMax: 100, seriesMax: 20 };

describe('a TraceQL metrics query', () => {
  it.each(plannedMetrics)('%s is planned as %s', (query, plan) => {
    const shown = explain(traceql.metrics(query, { ...over, ...limits }));
    expect(shown).toBe(`span series (0s, 3600s] by 60s: ${plan} limit 20`);
  });
  it.each(refusedMetrics)('%s is refused: %s', (query, message) => {
    expect(() => traceql.metrics(query, { ...over, ...limits })).toThrow(
      expect.objectContaining({ message }),
    );
  });
  it('searches for the spans that it is about', () => {
    expect(explain(traceql.plan('({ .a } | rate()) / ({ .b } | rate())', how))).toBe(
      'traces [0s, 3600s): { .a } select .a limit 20×3',
    );
    expect(explain(traceql.plan('{ } | max_over_time(.n) by (name) | topk(2)', how))).toBe(
      'traces [0s, 3600s): { } select name, .n limit 20×3',
    );
  });
  it.each([
    ['{ } | rate()', 100],
    ['{ } | rate() with (exemplars=false)', 0],
    ['{ } | rate() with (exemplars=true)', 100],
    ['{ } | rate() with (sample=0.1, exemplars=7)', 7],
    ['{ } | rate() with (exemplars=700)', 100],
  ])('%s asks for %d exemplars', (query, exemplars) => {
    expect(traceql.metrics(query, { ...over, ...limits })).toMatchObject({ exemplars });
  });
});

describe('the condition of what is typed so far', () => {
  it.each([
    ['', null],
    ['{ }', null],
    ['{ span.a = 1 }', 'span.a = 1'],
    ['{ span.a = 1 && span.b = }', 'span.a = 1'],
    ['{ span.a = 1 && nosuch = 2 && name = "x }y" && ', '(span.a = 1) && (name = `x }y`)'],
    ['{ span.a = 1 || span.b = }', null],
    ['{ span.a = 1 || span.b = 2 } | count() >', '(span.a = 1) || (span.b = 2)'],
    ['{ duration > "x" && span.ok }', null],
    ['{ duration > "x" && !(span.ok = true) }', '!(span.ok = true)'],
    ['{ .a = 1 && span.b = 2 && status = error }', 'span.b = 2'],
    ['{ .a = 1 && status = error }', null],
    ['{ span.a = 1 || .b = 2 }', null],
    ['{ span.a + 1 = 2 && name = "x" }', 'name = `x`'],
    ['{ (span.a = 1 || span.b = 2) && name = "x" }', '((span.a = 1) || (span.b = 2)) && (name = `x`)'],
    ['{ name = "x" } >> { }', null],
    ['{ name = "x" } !~ { .a', null],
    ['{ name = "x" } && { }', 'name = `x`'],
    ['not a query', null],
  ])('%s is %s', (text, shown) => {
    const condition = traceql.condition(text);
    expect(condition === null ? null : showExpr(condition)).toBe(shown);
  });
});

describe('a condition that single spans are asked for', () => {
  it('is that of one filter', () => {
    expect(traceql.spanCondition('{ }')).toBeNull();
    const condition = traceql.spanCondition('{ !(.a = 1) && -.b < 2 }');
    expect(condition && showExpr(condition)).toBe('!(.a = 1) && (-.b < 2)');
  });
  it.each([
    '{ } | count() > 1',
    '{ } >> { }',
    '{ } | rate()',
    '{ traceDuration > 1s }',
    '{ .a = 1 && rootName = "x" }',
    '{ !(nestedSetLeft = 1) }',
  ])('%s is none', (query) => {
    expect(() => traceql.spanCondition(query)).toThrow(QueryTextError);
  });
});

describe('a field', () => {
  it.each([
    ['resource.service.name', { kind: 'attribute', scope: 'resource', name: 'service.name', parent: false }],
    ['.http.method', { kind: 'attribute', scope: null, name: 'http.method', parent: false }],
    ['parent.span."a b"', { kind: 'attribute', scope: 'span', name: 'a b', parent: true }],
    ['name', { kind: 'intrinsic', name: 'name' }],
    ['span:status', { kind: 'intrinsic', name: 'status' }],
    ['event:timeSinceStart', { kind: 'intrinsic', name: 'eventTimeSinceStart' }],
  ])('%s is read', (text, field) => {
    expect(traceql.field(text)).toEqual(field);
  });
  it.each(['', 'nosuch', 'span.', '.a = 1', 'span:nosuch', '"x"'])('%j is none', (text) => {
    expect(() => traceql.field(text)).toThrow(QueryTextError);
  });
});
