import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Collector, startCollector } from '../support/collector.ts';
import { holdInFlight } from '../support/in-flight.ts';
import { areProgramsNeeded, freePort, goProgram, type Program, startProgram } from '../support/programs.ts';
import { sendAllSignals } from '../support/senders.ts';
import { logIsWhole, metricsAreWhole, traceIsWhole } from '../support/signals-found.ts';
import { getJson, startVarve, temporaryFolder, type Varve } from '../support/varve.ts';

const all = (exporter: string) => ({ logs: exporter, traces: exporter, metrics: exporter });

let varve: Varve;
let collector: Collector;

async function refusedRequests(): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${varve.ports.all}/metrics`)).text();
  const refused = text.matchAll(/^varve_ingest_refused_requests_total{[^}]*receiver="otlp[^}]*} (\d+)$/gm);
  return [...refused].reduce((sum, [, count]) => sum + Number(count), 0);
}

describe.runIf(areProgramsNeeded || existsSync(goProgram('collector')))('an OpenTelemetry Collector', () => {
  afterEach(async () => {
    await collector.stop();
    await varve.stop();
  });

  it.each([
    ['limits-in-flight-max-bytes', 'otlp_grpc', /ResourceExhausted/],
    ['limits-in-flight-max-bytes', 'otlp_http', /HTTP Status Code 429/],
    ['ingest-in-flight-max-bytes', 'otlp_grpc', /Unavailable/],
    ['ingest-in-flight-max-bytes', 'otlp_http', /HTTP Status Code 503/],
  ])(
    'refused because of %s over %s, sends again; nothing is lost or doubled',
    async (limit, exporter, told) => {
      varve = await startVarve({ settings: { [limit]: '65536', 'ingest-retry-after-seconds': '1' } });
      collector = await startCollector(varve.ports, { only: all(exporter) });
      const release = await holdInFlight(varve.ports.loki, 65_500);
      const ports = { ...varve.ports, otlp: collector.ports.get('only') ?? 0 };
      const sent = [];
      for (const service of ['north', 'south']) {
        sent.push(await sendAllSignals('HTTP with protobuf', ports, service));
      }
      await vi.waitFor(
        async () => {
          expect(await refusedRequests()).toBeGreaterThanOrEqual(6);
          expect(collector.output()).toMatch(told);
        },
        { timeout: 20_000, interval: 50 },
      );
      expect(collector.output()).toContain('Will retry the request after interval');
      await release();
      for (const each of sent) {
        await logIsWhole(varve, each);
        await traceIsWhole(varve, each);
        await metricsAreWhole(varve, each);
      }
      expect(collector.output()).not.toContain('Dropping data');
    },
  );

  it('loses and doubles nothing while Varve is killed and starts again', async () => {
    const fixed = {
      'listen-otlp-grpc-port': String(await freePort()),
      'listen-otlp-http-port': String(await freePort()),
    };
    varve = await startVarve({ settings: fixed });
    collector = await startCollector(varve.ports, { grpc: all('otlp_grpc'), http: all('otlp_http') });
    const generators = [...collector.ports].map(([name, port]) => generateLogs(name, port, 1_500));
    await vi.waitFor(
      async () => {
        for (const name of collector.ports.keys()) expect(await countOf(name)).toBeGreaterThan(200);
      },
      { timeout: 20_000, interval: 50 },
    );
    await varve.kill();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    varve = await startVarve({ settings: fixed, dataDir: varve.dataDir });
    await Promise.all(generators.map(async ({ ended }) => await ended));
    await vi.waitFor(
      async () => {
        for (const name of collector.ports.keys()) expect(await countOf(name)).toBeGreaterThanOrEqual(1_500);
      },
      { timeout: 60_000, interval: 200 },
    );
    for (const name of collector.ports.keys()) expect(await countOf(name)).toBe(1_500);
  });
});

/** At 500 a second, in batches of 10, so that many requests are under way when Varve goes. */
function generateLogs(service: string, port: number, count: number): Program {
  const target = ['--otlp-insecure', '--otlp-http', '--otlp-endpoint', `127.0.0.1:${port}`];
  const amount = ['--logs', String(count), '--rate', '500', '--batch-size', '10'];
  const args = ['logs', ...target, ...amount, '--service', service];
  return startProgram(goProgram('telemetrygen'), args, temporaryFolder());
}

async function countOf(service: string): Promise<number> {
  const query = `sum(count_over_time({service_name="${service}"}[1h]))`;
  const answer = (await getJson(varve.ports.loki, '/loki/api/v1/query', { query })) as {
    data: { result: { value: [number, string] }[] };
  };
  return Number(answer.data.result[0]?.value[1] ?? 0);
}
