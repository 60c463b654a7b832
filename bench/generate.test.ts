import { uncompress } from 'snappyjs';
import { describe, expect, it } from 'vitest';
import { fieldsAt } from '../test/support/protobuf.ts';
import { makeLogs } from './logs.ts';
import { hourBefore } from './payload.ts';
import { makeSamples } from './samples.ts';
import { makeSpans } from './spans.ts';

const range = hourBefore(1_800_000_000_000);

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');

describe('generated logs', () => {
  const { payloads, facts } = makeLogs(2_500, range);
  const records = payloads.flatMap(({ body }) => fieldsAt(body, [1, 2, 2]));

  it('are batches of 1,000 records and a rest', () => {
    expect(payloads.map((payload) => payload.records)).toEqual([1_000, 1_000, 500]);
    expect(records).toHaveLength(2_500);
    expect([...facts.ofService.values()].reduce((sum, count) => sum + count)).toBe(2_500);
  });

  it('have lines of about 200 bytes and ten attributes with their resource', () => {
    const lines = records.flatMap((record) => fieldsAt(record, [5, 1]));
    const mean = lines.reduce((sum, line) => sum + line.length, 0) / lines.length;
    expect(mean).toBeGreaterThan(170);
    expect(mean).toBeLessThan(230);
    const resources = payloads.flatMap(({ body }) => fieldsAt(body, [1, 1]));
    const counts = [resources[0], records[0]].map((part, index) =>
      part === undefined ? 0 : fieldsAt(part, [index === 0 ? 1 : 6]).length,
    );
    expect(counts).toEqual([5, 5]);
  });

  it('hold the needle once', () => {
    const holding = records.filter((record) => text(record).includes(facts.needle));
    expect(holding).toHaveLength(1);
  });

  it('are the same in every run', () => {
    expect(makeLogs(2_500, range).payloads[2]?.body).toEqual(payloads[2]?.body);
  });
});

describe('generated spans', () => {
  const { payloads, facts } = makeSpans(2_000, range);
  const spans = payloads.flatMap(({ body }) => fieldsAt(body, [1, 2, 2]));

  it('are traces of ten spans', () => {
    expect(spans).toHaveLength(2_000);
    const spansOf = new Map<string, number>();
    for (const span of spans) {
      const id = Buffer.from(fieldsAt(span, [1])[0] ?? []).toString('hex');
      spansOf.set(id, (spansOf.get(id) ?? 0) + 1);
    }
    expect(new Set(spansOf.values())).toEqual(new Set([10]));
    expect(facts.traces.every(({ id }) => spansOf.has(id))).toBe(true);
  });

  it('have one root each and the rare user once', () => {
    expect(spans.filter((span) => fieldsAt(span, [4]).length === 0)).toHaveLength(200);
    expect(spans.filter((span) => text(span).includes(facts.rareUser))).toHaveLength(1);
  });

  it('have 8 to 15 attributes with their resource', () => {
    const counts = spans.map((span) => fieldsAt(span, [9]).length + 5);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(8);
    expect(Math.max(...counts)).toBeLessThanOrEqual(15);
  });
});

describe('generated samples', () => {
  const { payloads, facts } = makeSamples(8_000, 2_000, range);
  const series = payloads.flatMap(({ body }) => fieldsAt(uncompress(body), [1]));

  it('are scrapes of all series in requests of 1,000', () => {
    expect(payloads.map(({ records }) => records)).toEqual(Array.from({ length: 8 }, () => 1_000));
    expect(facts.samplesPerSeries).toBe(4);
    const labelsOf = (one: Uint8Array) => fieldsAt(one, [1]).map(text).join();
    expect(new Set(series.map(labelsOf)).size).toBe(2_000);
  });

  it('have labels sorted by name, as the protocol wants', () => {
    const names = series.map((one) => fieldsAt(one, [1, 1]).map(text));
    expect(names.every((some) => some.join() === some.toSorted().join())).toBe(true);
  });
});
