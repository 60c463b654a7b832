import { describe, expect, it } from 'vitest';
import type { RequestLimits } from './options.ts';
import { RateLimiter } from './rate.ts';

const limits: RequestLimits = {
  bodyMaxBytes: 1_000,
  inFlightMaxBytes: 1_000,
  bytesPerSecond: 1_000,
  burstBytes: 2_000,
  recordsPerSecond: 0,
  burstRecords: 1,
};

function limiterAt(own: ReadonlyMap<string, RequestLimits> = new Map()) {
  const clock = { ms: 0 };
  return { clock, limiter: new RateLimiter({ limits, tenantLimits: own }, () => clock.ms) };
}

describe('the rate of a tenant', () => {
  it('lets a burst through and then holds to the rate, with the time to wait', () => {
    const { clock, limiter } = limiterAt();
    limiter.check('a');
    limiter.pay('a', { bytes: 4_999, records: 1 });
    expect(() => {
      limiter.check('a');
    }).toThrow(
      expect.objectContaining({
        code: 'RATE_EXCEEDED',
        retryAfterSeconds: 3,
        message: 'tenant a: ingest rate 1000 bytes/s exceeded; raise limits.ingest_bytes_per_second',
      }),
    );
    clock.ms = 3_000;
    limiter.check('a');
  });

  it('takes a request that is larger than the burst', () => {
    const { limiter } = limiterAt();
    limiter.check('a');
    limiter.pay('a', { bytes: 1_000_000, records: 1 });
    limiter.check('b');
  });

  it('never saves up more than the burst', () => {
    const { clock, limiter } = limiterAt();
    limiter.check('a');
    clock.ms = 3_600_000;
    limiter.check('a');
    limiter.pay('a', { bytes: 2_000, records: 1 });
    expect(() => {
      limiter.check('a');
    }).toThrow('exceeded');
  });

  it('is the tenant’s own where it has one, in records too', () => {
    const own = { ...limits, bytesPerSecond: 0, recordsPerSecond: 10, burstRecords: 10 };
    const { limiter } = limiterAt(new Map([['b', own]]));
    limiter.pay('b', { bytes: 1_000_000, records: 10 });
    expect(() => {
      limiter.check('b');
    }).toThrow('tenant b: ingest rate 10 records/s exceeded; raise limits.ingest_records_per_second');
  });
});
