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
    ['{ .a = 1 }', '.a = 1'],
    ['{ .a = 1 && span.b = }', '.a = 1'],
    ['{ .a = 1 && nosuch = 2 && name = "x }y" && ', '(.a = 1) && (name = `x }y`)'],
    ['{ .a = 1 || .b = }', null],
    ['{ .a = 1 || .b = 2 } | count() >', '(.a = 1) || (.b = 2)'],
    ['{ duration > "x" && .ok }', '.ok'],
    ['not a query', null],
  ])('%s is %s', (text, shown) => {
    const condition = traceql.condition(text);
    expect(condition === null ? null : showExpr(condition)).toBe(shown);
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
