import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Annotation, BatchRecorder, ExplicitContext, jsonEncoder, Tracer } from 'zipkin';
import { HttpLogger } from 'zipkin-transport-http';
import { getJson, startVarve, type Varve } from '../support/varve.ts';

let varve: Varve;
beforeAll(async () => {
  varve = await startVarve();
});
afterAll(async () => {
  await varve.stop();
});

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}

interface Batch {
  readonly resource: { readonly attributes: readonly Attribute[] };
  readonly scopeSpans: readonly {
    readonly spans: readonly {
      readonly name: string;
      readonly kind: string;
      readonly attributes: readonly Attribute[];
      readonly events?: readonly { readonly name: string }[];
      readonly status?: { readonly code?: string; readonly message?: string };
    }[];
  }[];
}

async function traceOf(traceId: string): Promise<Batch> {
  const path = `/api/traces/${traceId}`;
  const givenUpAt = Date.now() + 10_000;
  for (;;) {
    try {
      const { batches } = (await getJson(varve.ports.tempo, path)) as { batches: Batch[] };
      if (batches[0] !== undefined) return batches[0];
    } catch (thrown) {
      if (Date.now() > givenUpAt) throw thrown;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function post(
  body: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<[number, string]> {
  const response = await fetch(`http://127.0.0.1:${varve.ports.zipkin}/api/v2/spans`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return [response.status, await response.text()];
}

describe('the Zipkin client for JavaScript', () => {
  it('has its spans found by their trace id, field by field', async () => {
    const logger = new HttpLogger({
      endpoint: `http://127.0.0.1:${varve.ports.zipkin}/api/v2/spans`,
      jsonEncoder: jsonEncoder.JSON_V2,
      httpInterval: 50,
    });
    const recorder = new BatchRecorder({ logger });
    const tracer = new Tracer({ ctxImpl: new ExplicitContext(), recorder, localServiceName: 'checkout' });
    const traceId = tracer.createRootId();
    tracer.letId(traceId, () => {
      tracer.recordServiceName('checkout');
      tracer.recordRpc('post /pay');
      tracer.recordBinary('http.path', '/pay');
      tracer.recordAnnotation(new Annotation.ServerRecv());
      tracer.recordMessage('card declined');
      tracer.recordBinary('error', 'declined');
      tracer.recordAnnotation(new Annotation.ServerSend());
    });
    const { resource, scopeSpans } = await traceOf(traceId.traceId);
    expect(resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'checkout' } });
    const span = scopeSpans[0]?.spans[0];
    expect(span).toMatchObject({
      name: 'post /pay',
      kind: 'SPAN_KIND_SERVER',
      status: { code: 'STATUS_CODE_ERROR', message: 'declined' },
    });
    expect(span?.attributes).toContainEqual({ key: 'http.path', value: { stringValue: '/pay' } });
    expect(span?.events?.map(({ name }) => name)).toContain('card declined');
  });
});

describe('POST /api/v2/spans', () => {
  it('is answered 202 without a body', async () => {
    expect(await post('[{"traceId":"1","id":"2"}]')).toEqual([202, '']);
    expect(await post('[]')).toEqual([202, '']);
  });

  it('stores the good spans of a list and says which were not', async () => {
    const body = '[{"traceId":"abc1","id":"2","name":"good"},{"traceId":"x","id":"2"}]';
    expect(await post(body)).toEqual([400, 'trace id must be 16 bytes, not 0\n']);
    expect((await traceOf('abc1')).scopeSpans[0]?.spans[0]?.name).toBe('good');
  });

  it('takes the list in protobuf', async () => {
    const list = new BinaryWriter().tag(1, WireType.LengthDelimited).fork();
    list.tag(1, WireType.LengthDelimited).bytes(Buffer.from('000000000000abc2'.padStart(32, '0'), 'hex'));
    list.tag(3, WireType.LengthDelimited).bytes(Buffer.from('0000000000000002', 'hex'));
    list.tag(5, WireType.LengthDelimited).string('in protobuf');
    const body = new Uint8Array(list.join().finish());
    expect(await post(body, { 'content-type': 'application/x-protobuf' })).toEqual([202, '']);
    expect((await traceOf('abc2')).scopeSpans[0]?.spans[0]?.name).toBe('in protobuf');
  });

  it('refuses what it cannot read', async () => {
    expect(await post('{}')).toEqual([400, expect.stringContaining("not Zipkin's list of spans")]);
    expect((await post('[]', { 'content-type': 'application/x-thrift' }))[0]).toBe(415);
    expect((await post('[]', { 'content-encoding': 'br' }))[0]).toBe(415);
  });
});
