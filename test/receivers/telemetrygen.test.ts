import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awaitLines, linesOf } from '../support/loki.ts';
import { areProgramsNeeded, goProgram } from '../support/programs.ts';
import { instant } from '../support/signals-found.ts';
import { snippetsOf } from '../support/snippets.ts';
import { awaitSpans } from '../support/tempo.ts';
import { getJson, startVarve, type Varve } from '../support/varve.ts';

const run = promisify(execFile);
const resource = ['--otlp-attributes', 'region="eu"', '--otlp-attributes', 'replicas=3'];
const own = ['--telemetry-attributes', 'shop="north"', '--telemetry-attributes', 'retried=true'];

describe.runIf(areProgramsNeeded || existsSync(goProgram('telemetrygen')))('telemetrygen', () => {
  let varve: Varve;
  beforeAll(async () => {
    varve = await startVarve();
  });
  afterAll(async () => {
    await varve.stop();
  });

  const target = (transport: string): string[] =>
    transport === 'gRPC'
      ? ['--otlp-endpoint', `127.0.0.1:${varve.ports.grpc}`, '--otlp-insecure']
      : ['--otlp-endpoint', `127.0.0.1:${varve.ports.otlp}`, '--otlp-insecure', '--otlp-http'];
  const generate = async (signal: string, transport: string, ...args: string[]) =>
    await run(goProgram('telemetrygen'), [signal, ...target(transport), '--rate', '0', ...args]);

  it('run as docs/senders.md says is found again', async () => {
    const [snippet = ''] = snippetsOf('telemetrygen', 'sh', varve.ports);
    const path = `${dirname(goProgram('telemetrygen'))}:${process.env['PATH'] ?? ''}`;
    await run('bash', ['--norc', '-euc', snippet], { env: { PATH: path } });
    expect(await linesOf(varve, '{service_name="telemetrygen"}')).toHaveLength(100);
    const found = await getJson(varve.ports.tempo, '/api/search', {
      q: '{ resource.service.name = "telemetrygen" && name = "lets-go" }',
      limit: '200',
    });
    expect((found as { traces: unknown[] }).traces).toHaveLength(100);
  });

  describe.each(['gRPC', 'HTTP'])('over %s', (transport) => {
    const service = `generated-over-${transport}`;
    const common = ['--service', service, ...resource, ...own];

    it('has each log found, field by field', async () => {
      const ids = ['--trace-id', '0af7651916cd43dd8448eb211c80319c', '--span-id', 'b7ad6b7169203331'];
      const severity = ['--severity-number', '17', '--severity-text', 'Error'];
      await generate(
        'logs',
        transport,
        ...common,
        ...ids,
        ...severity,
        '--logs',
        '250',
        '--body',
        'declined',
      );
      const found = await awaitLines(varve, `{service_name="${service}"}`, 250);
      expect(found).toHaveLength(250);
      for (const { line, labels } of found) {
        expect(line).toBe('declined');
        expect(labels).toEqual({
          service_name: service,
          region: 'eu',
          replicas: '3',
          shop: 'north',
          retried: 'true',
          app: 'server',
          severity_number: '17',
          severity_text: 'Error',
          detected_level: 'error',
          trace_id: '0af7651916cd43dd8448eb211c80319c',
          span_id: 'b7ad6b7169203331',
          // As it sends it, whatever it means by that.
          dropped_attributes_count: '1',
        });
      }
    });

    it('has each span found, field by field', async () => {
      const shape = ['--child-spans', '4', '--span-links', '1', '--status-code', 'Error'];
      await generate('traces', transport, ...common, ...shape, '--traces', '20');
      const q = `{ resource.service.name = "${service}" && resource.replicas = 3 && span.retried = true }`;
      const found = (await getJson(varve.ports.tempo, '/api/search', { q, limit: '100' })) as {
        traces: { traceID: string; rootServiceName: string; rootTraceName: string }[];
      };
      expect(found.traces).toHaveLength(20);
      expect(new Set(found.traces.map(({ rootTraceName }) => rootTraceName))).toEqual(new Set(['lets-go']));
      const spans = await awaitSpans(varve, found.traces[0]?.traceID ?? '', 5);
      expect(spans).toHaveLength(5);
      for (const { resource: of, attributes, span } of spans) {
        expect(of).toMatchObject({ 'service.name': service, region: 'eu', replicas: '3' });
        expect(attributes).toMatchObject({ shop: 'north', retried: true });
        expect(span).toMatchObject({ status: { code: 'STATUS_CODE_ERROR' }, links: [expect.anything()] });
      }
      const [root] = spans.filter(({ span }) => span.name === 'lets-go');
      const children = spans.filter(({ span }) => span.parentSpanId === root?.spanId);
      expect(children.map(({ span }) => span.name)).toEqual(
        [0, 1, 2, 3].map((child) => `okey-dokey-${child}`),
      );
      expect(children[0]?.span.kind).toBe('SPAN_KIND_SERVER');
      expect(root?.span.kind).toBe('SPAN_KIND_CLIENT');
    });

    it.each([
      ['Gauge', 'queue.length', 'queue_length'],
      ['Sum', 'orders', 'orders_total'],
      ['Histogram', 'wait', 'wait_count'],
      ['ExponentialHistogram', 'size', 'size'],
    ])('has a %s found', async (type, name, found) => {
      const metric = ['--metric-type', type, '--otlp-metric-name', name, '--metrics', '1'];
      await generate('metrics', transport, ...common, ...metric);
      const series = `${found}{job="${service}",shop="north",retried="true"}`;
      expect(await instant(varve.ports.prometheus, `count(${series})`)).toEqual([{ metric: {}, value: '1' }]);
      expect(await instant(varve.ports.prometheus, `target_info{job="${service}"}`)).toEqual([
        { metric: { __name__: 'target_info', job: service, region: 'eu', replicas: '3' }, value: '1' },
      ]);
    });
  });
});
