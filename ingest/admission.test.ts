import { describe, expect, it } from 'vitest';
import { Admission } from './admission.ts';

describe('admission', () => {
  it('refuses a tenant that is over its own bound and leaves room for others', () => {
    const admission = new Admission({ maxBytes: 100, tenantMaxBytes: () => 60 });
    const first = admission.enter('a');
    first.reserve(50);
    expect(() => {
      admission.enter('a').reserve(11);
    }).toThrow('tenant a has 61 bytes in flight, over limits.in_flight_max_bytes = 60');
    admission.enter('b').reserve(50);
    expect(admission.inFlightBytes).toBe(100);
  });

  it('refuses everyone at the whole bound', () => {
    const admission = new Admission({ maxBytes: 100, tenantMaxBytes: () => 80 });
    admission.enter('a').reserve(80);
    expect(() => {
      admission.enter('b').reserve(21);
    }).toThrow('101 bytes are in flight, over ingest.in_flight_max_bytes = 100');
  });

  it('gives bytes back once, however often a permit is released', () => {
    const admission = new Admission({ maxBytes: 100, tenantMaxBytes: () => 100 });
    const permit = admission.enter('a');
    permit.reserve(40);
    permit.reserve(40);
    admission.enter('a').reserve(20);
    permit.release();
    permit.release();
    expect(admission.inFlightBytes).toBe(20);
  });

  it('holds the bytes of an answered request as long as they are read', async () => {
    const admission = new Admission({ maxBytes: 100, tenantMaxBytes: () => 100 });
    const permit = admission.enter('a');
    let stopReading: () => void = () => undefined;
    const reading = new Promise<void>((resolve) => {
      stopReading = resolve;
    });
    let ended = 0;
    permit.reserve(40);
    permit.atEnd(() => {
      ended += 1;
    });
    permit.readUntil(reading);
    permit.release();
    expect([admission.inFlightBytes, ended]).toEqual([40, 0]);
    stopReading();
    await reading;
    expect([admission.inFlightBytes, ended]).toEqual([0, 1]);
  });
});
