import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  instantFromSeconds,
  parseDecimal,
  parseGoDuration,
  parsePrometheusDuration,
  parseRfc3339,
  parseSecondsOrDuration,
  timeMax,
  timeMin,
} from './time.ts';

describe('an instant in RFC 3339', () => {
  it.each([
    ['1970-01-01T00:00:00Z', 0n],
    ['1969-12-31T23:59:59.999999999Z', -1n],
    ['2026-11-23T13:45:00.123456789+02:00', 1_795_434_300_123_456_789n],
    ['2026-11-23T09:45:00-02:00', 1_795_434_300_000_000_000n],
  ])('%s is read to the nanosecond', (text, instant) => {
    expect(parseRfc3339(text)).toBe(instant);
  });

  it('reads back what Date writes, for any time', () => {
    const times = fc.date({
      min: new Date(0),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(times, (time) => {
        expect(parseRfc3339(time.toISOString())).toBe(BigInt(time.getTime()) * 1_000_000n);
      }),
    );
  });

  it.each(['', 'noon', '2026-02-30T00:00:00Z', '2026-11-23', '2026-11-23T11:45:00', '2026-11-23T11:45Z'])(
    '%j is refused',
    (text) => {
      expect(parseRfc3339(text)).toBeUndefined();
    },
  );
});

describe('seconds', () => {
  it.each([
    [1.0006, 1_001_000_000n],
    [-1.25, -1_250_000_000n],
    [1e30, timeMax],
    [-1e30, timeMin],
  ])('%d are kept to the millisecond, within the data model', (seconds, instant) => {
    expect(instantFromSeconds(seconds)).toBe(instant);
  });

  it.each(['', 'NaN', 'Inf', '0x10', '1 ', '1e999', '.'])('%j is no number', (text) => {
    expect(parseDecimal(text)).toBeUndefined();
  });
});

describe('a length', () => {
  it.each([
    ['1h30m', 5_400_000_000_000n],
    ['1y2w3d4h5m6s7ms', 33_019_506_007_000_000n],
    ['0', 0n],
  ])('%s is read as Prometheus spells it', (text, length) => {
    expect(parsePrometheusDuration(text)).toBe(length);
  });

  it.each(['', '1.5h', '5m1h', '-5m', '5', 'm'])('%j is not one of Prometheus', (text) => {
    expect(parsePrometheusDuration(text)).toBeUndefined();
  });

  it.each([
    ['15', 15_000_000_000n],
    ['0.5', 500_000_000n],
    ['250ms', 250_000_000n],
    ['-5', -5_000_000_000n],
  ])('%s is seconds or a duration', (text, length) => {
    expect(parseSecondsOrDuration(text)).toBe(length);
  });

  it('past what 64 bits of nanoseconds hold is refused', () => {
    expect(parseSecondsOrDuration('1e10')).toBeUndefined();
  });

  it.each([
    ['100ms', 100_000_000n],
    ['1.5s', 1_500_000_000n],
    ['1h0.5m2us3ns', 3_630_000_002_003n],
    ['.5µs', 500n],
  ])('%s is read as Go spells it', (text, length) => {
    expect(parseGoDuration(text)).toBe(length);
  });

  it.each(['', '5', '1d', '-1s', '.s'])('%j is not one of Go', (text) => {
    expect(parseGoDuration(text)).toBeUndefined();
  });
});
