/** A request of one signal whose records can be told apart from every other's. */
export interface CrashRequest {
  readonly signal: 'logs' | 'spans' | 'samples';
  /** Unique over a whole run. */
  readonly id: string;
  readonly records: number;
  readonly path: string;
  readonly body: string;
}

const service = { attributes: [{ key: 'service.name', value: { stringValue: 'crash' } }] };

/** A request of `records` records, all of them of round `round`. */
export function makeRequest(
  signal: CrashRequest['signal'],
  { round, number, records }: { round: number; number: number; records: number },
): CrashRequest {
  const id = `${round}-${number}`;
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  const numbers = Array.from({ length: records }, (_, index) => index);
  switch (signal) {
    case 'logs': {
      const logRecords = numbers.map((index) => ({
        timeUnixNano: String(nowNs + BigInt(index)),
        body: { stringValue: `${id} ${index}` },
        attributes: [{ key: 'round', value: { stringValue: String(round) } }],
      }));
      const resourceLogs = [{ resource: service, scopeLogs: [{ logRecords }] }];
      return { signal, id, records, path: '/v1/logs', body: JSON.stringify({ resourceLogs }) };
    }
    case 'spans': {
      const spans = numbers.map((index) => ({
        traceId: traceIdOf(id),
        spanId: (index + 1).toString(16).padStart(16, '0'),
        name: id,
        startTimeUnixNano: String(nowNs),
        endTimeUnixNano: String(nowNs + 1_000_000n),
      }));
      const resourceSpans = [{ resource: service, scopeSpans: [{ spans }] }];
      return { signal, id, records, path: '/v1/traces', body: JSON.stringify({ resourceSpans }) };
    }
    case 'samples': {
      const dataPoints = numbers.map((index) => ({
        timeUnixNano: String(nowNs - BigInt(index) * 1_000_000_000n),
        asDouble: index,
        attributes: [
          { key: 'round', value: { stringValue: String(round) } },
          { key: 'request', value: { stringValue: id } },
        ],
      }));
      const metrics = [{ name: 'crash', gauge: { dataPoints } }];
      const resourceMetrics = [{ resource: service, scopeMetrics: [{ metrics }] }];
      return { signal, id, records, path: '/v1/metrics', body: JSON.stringify({ resourceMetrics }) };
    }
  }
}

/** The trace id of a request of spans: 32 hex digits. */
export function traceIdOf(id: string): string {
  return Buffer.from(id.padEnd(16, '.')).toString('hex');
}
