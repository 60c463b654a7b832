import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callRaw, postRaw } from '../support/raw-requests.ts';
import { getJson, startVarve, type Varve } from '../support/varve.ts';

let varve: Varve;
beforeAll(async () => {
  varve = await startVarve();
});
afterAll(async () => {
  await varve.stop();
});

const postSpans = '/jaeger.api_v2.CollectorService/PostSpans';
const thrift = { 'content-type': 'application/x-thrift' };

interface Found {
  readonly batches: readonly {
    readonly resource: { readonly attributes: readonly { readonly key: string }[] };
    readonly scopeSpans: readonly { readonly spans: readonly { readonly name: string }[] }[];
  }[];
}

/** Names of the spans of a trace. */
async function namesOf(traceId: Buffer): Promise<string[]> {
  const path = `/api/traces/${traceId.toString('hex')}`;
  const { batches } = (await getJson(varve.ports.tempo, path)) as Found;
  return batches.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map(({ name }) => name)),
  );
}

/** Thrift's binary protocol: a field's type and id, then its value; lists of structures by their length. */
const field = (type: number, id: number, value: Buffer) => Buffer.concat([Buffer.from([type, 0, id]), value]);
const i64 = (id: number, value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return field(10, id, bytes);
};
const text = (id: number, value: string) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  return field(11, id, Buffer.concat([length, Buffer.from(value)]));
};
const struct = (...fields: Buffer[]) => Buffer.concat([...fields, Buffer.from([0])]);
const list = (id: number, items: readonly Buffer[]) =>
  field(15, id, Buffer.concat([Buffer.from([12, 0, 0, 0, items.length]), ...items]));

function thriftBatch(traceId: Buffer, names: readonly string[]): Buffer {
  const spans = names.map((name, at) =>
    struct(
      i64(1, traceId.readBigInt64BE(8)),
      i64(2, traceId.readBigInt64BE(0)),
      i64(3, BigInt(at + 1)),
      text(5, name),
      i64(8, BigInt(Date.now()) * 1_000n),
      i64(9, 5n),
    ),
  );
  return struct(field(12, 1, struct(text(1, 'shop'))), list(2, spans));
}

function protobufRequest(traceId: Buffer, names: readonly string[]): Buffer {
  const request = new BinaryWriter();
  const message = (number: number) => request.tag(number, WireType.LengthDelimited).fork();
  message(1);
  for (const [at, name] of names.entries()) {
    message(1);
    request.tag(1, WireType.LengthDelimited).bytes(traceId);
    request.tag(2, WireType.LengthDelimited).bytes(Buffer.from([at + 1]));
    request.tag(3, WireType.LengthDelimited).string(name);
    message(6);
    request
      .tag(1, WireType.Varint)
      .int64(Math.floor(Date.now() / 1_000))
      .join();
    request.join();
  }
  message(2);
  request.tag(1, WireType.LengthDelimited).string('shop').join();
  return Buffer.from(request.join().finish());
}

describe("Jaeger's spans in Thrift over HTTP", () => {
  it.each(['jaegerHttp', 'all'] as const)('are found by their trace id, over %s', async (port) => {
    const traceId = randomBytes(16);
    const url = `http://127.0.0.1:${varve.ports[port]}/api/traces`;
    expect(await postRaw(url, thrift, thriftBatch(traceId, ['get /cart', 'select']))).toMatchObject({
      status: 202,
      text: '',
    });
    expect((await namesOf(traceId)).sort()).toEqual(['get /cart', 'select']);
  });

  it('may be compressed, and need no more than the answer that they are no batch', async () => {
    const url = `http://127.0.0.1:${varve.ports.jaegerHttp}/api/traces`;
    const traceId = randomBytes(16);
    const packed = gzipSync(thriftBatch(traceId, ['packed']));
    expect(await postRaw(url, { ...thrift, 'content-encoding': 'gzip' }, packed)).toMatchObject({
      status: 202,
    });
    expect(await namesOf(traceId)).toEqual(['packed']);
    expect(await postRaw(url, thrift, Buffer.from([12, 0, 1]))).toMatchObject({
      status: 400,
      text: expect.stringContaining("body is not Jaeger's batch in Thrift") as unknown,
    });
    expect(await postRaw(url, { 'content-type': 'application/json' }, '{}')).toMatchObject({ status: 415 });
  });

  it('are refused one by one', async () => {
    const url = `http://127.0.0.1:${varve.ports.jaegerHttp}/api/traces`;
    expect(await postRaw(url, thrift, thriftBatch(Buffer.alloc(16), ['of no trace']))).toMatchObject({
      status: 400,
      text: 'trace id must not be all zeros\n',
    });
  });
});

describe("Jaeger's spans over gRPC", () => {
  it.each(['jaegerGrpc', 'all'] as const)('are found by their trace id, over %s', async (port) => {
    const traceId = randomBytes(16);
    const message = protobufRequest(traceId, ['get /cart', 'select']);
    expect(await callRaw(varve.ports[port], postSpans, message)).toMatchObject({
      code: 0,
      response: Buffer.alloc(0),
    });
    expect((await namesOf(traceId)).sort()).toEqual(['get /cart', 'select']);
  });

  it('are refused with a status that is not sent again', async () => {
    const nobody = protobufRequest(Buffer.alloc(16), ['of no trace']);
    expect(await callRaw(varve.ports.jaegerGrpc, postSpans, nobody)).toMatchObject({
      code: 3,
      message: 'trace id must not be all zeros',
      retrySeconds: undefined,
    });
    expect(await callRaw(varve.ports.jaegerGrpc, postSpans, Buffer.alloc(9, 0xff))).toMatchObject({
      code: 3,
    });
  });
});
