import { existsSync } from 'node:fs';
import { type AnyValue, SeverityNumber } from '@opentelemetry/api';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../support/collector.ts';
import { awaitLines } from '../support/loki.ts';
import { areProgramsNeeded, goProgram } from '../support/programs.ts';
import { type Sent, sendAllSignals } from '../support/senders.ts';
import { logIsWhole, metricsAreWhole, traceIsWhole } from '../support/signals-found.ts';
import { awaitSpans } from '../support/tempo.ts';
import { getJson, startVarve, type Varve } from '../support/varve.ts';

const all = (exporter: string) => ({ logs: exporter, traces: exporter, metrics: exporter });
const pipelines = {
  grpc: all('otlp_grpc'),
  http: all('otlp_http'),
  json: all('otlp_http/json'),
  loki: { ...all('otlp_http'), logs: 'otlp_http/loki' },
  others: { logs: 'syslog', traces: 'zipkin', metrics: 'prometheusremotewrite' },
};

describe.runIf(areProgramsNeeded || existsSync(goProgram('collector')))('an OpenTelemetry Collector', () => {
  let varve: Varve;
  let collector: Collector;
  const sent = new Map<string, Sent>();
  const of = (pipeline: string): Sent => {
    const found = sent.get(pipeline);
    if (found === undefined) throw new Error(`nothing was sent to ${pipeline}`);
    return found;
  };

  beforeAll(async () => {
    varve = await startVarve();
    collector = await startCollector(varve.ports, pipelines);
    for (const [index, [name, port]] of [...collector.ports].entries()) {
      const ports = { ...varve.ports, otlp: port };
      sent.set(name, await sendAllSignals('HTTP with protobuf', ports, `shop-${index}`));
    }
  });
  afterAll(async () => {
    await collector.stop();
    await varve.stop();
  });

  describe.each(['grpc', 'http', 'json'])('that exports OTLP, %s', (pipeline) => {
    it('has its log record found, field by field', async () => {
      await logIsWhole(varve, of(pipeline));
    });
    it('has its trace found, field by field', async () => {
      await traceIsWhole(varve, of(pipeline));
    });
    it('has its metrics found, series by series', async () => {
      await metricsAreWhole(varve, of(pipeline));
    });
  });

  it('that exports logs as to Loki has its record found, field by field', async () => {
    await logIsWhole(varve, of('loki'));
  });

  it('that writes metrics as to Prometheus has them found, series by series', async () => {
    await metricsAreWhole(varve, of('others'), { otel_scope_name: 'checkout' });
  });

  it('that exports traces as to Zipkin has them found, field by field', async () => {
    const { service, traceId, rootSpanId, childSpanId } = of('others');
    const found = await awaitSpans(varve, traceId, 2);
    const library = { 'otel.library.name': 'checkout', 'otel.library.version': '1.2.3' };
    const common = { 'host.name': 'vm-1', 'span.kind': 'internal', ...library };
    expect(found.map(({ resource }) => resource)).toEqual(Array(2).fill({ 'service.name': service }));
    expect(found.toSorted((one, other) => (one.span.name < other.span.name ? 1 : -1))).toMatchObject([
      {
        spanId: rootSpanId,
        span: { name: 'post /checkout' },
        attributes: { ...common, 'http.status_code': '502' },
        events: [],
      },
      {
        spanId: childSpanId,
        span: { name: 'charge card', parentSpanId: rootSpanId },
        attributes: { ...common, provider: 'acme' },
        events: [{ name: 'declined|{"code":"insufficient funds"}|0' }],
      },
    ]);
  });

  it('that exports logs as to a syslog server has them found, field by field', async () => {
    await emit(collector.ports.get('others') ?? 0, {
      appname: 'payments',
      hostname: 'box-7',
      proc_id: '4711',
      msg_id: 'OUT3',
      priority: 8 * 16 + 3,
      message: 'card declined',
      structured_data: { 'shop@32473': { order: 'A-17', note: 'a "quoted" ]' } },
    });
    const [found] = await awaitLines(varve, '{app="payments"}', 1);
    expect(found?.line).toBe('card declined');
    expect(found?.labels).toEqual({
      job: 'syslog',
      host: 'box-7',
      app: 'payments',
      service_name: 'payments',
      facility: 'local0',
      severity: 'err',
      detected_level: 'error',
      procid: '4711',
      msgid: 'OUT3',
      sd_shop_32473_order: 'A-17',
      sd_shop_32473_note: 'a "quoted" ]',
      peer_address: '127.0.0.1',
    });
  });

  it('has nothing refused', async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${varve.ports.all}/metrics`)).text();
    expect(metrics.match(/^varve_ingest_refused\w*{.*$/gm) ?? []).toEqual([]);
    expect(collector.output()).not.toMatch(/\t(error|warn)\t/);
    expect(await getJson(varve.ports.loki, '/loki/api/v1/label/service_name/values')).toMatchObject({
      data: expect.arrayContaining(['shop-0', 'shop-1', 'shop-2', 'shop-3', 'payments']) as unknown,
    });
  });
});

/** One log record with these attributes, over OTLP. */
async function emit(port: number, attributes: Record<string, AnyValue>): Promise<void> {
  const exporter = new OTLPLogExporter({ url: `http://127.0.0.1:${port}/v1/logs` });
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'emitter' }),
    processors: [new SimpleLogRecordProcessor({ exporter })],
  });
  provider.getLogger('emitter').emit({ severityNumber: SeverityNumber.ERROR, body: 'unused', attributes });
  await provider.shutdown();
}
