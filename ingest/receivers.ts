import { elasticsearchBelow, elasticsearchBulk } from './elasticsearch/bulk.ts';
import { jaegerGrpc } from './jaeger/grpc.ts';
import { jaegerThrift } from './jaeger/thrift.ts';
import { lokiPush } from './loki/push.ts';
import { otlpGrpc } from './otlp/grpc.ts';
import { otlpHttp } from './otlp/http.ts';
import { remoteWrite } from './prometheus/remote-write.ts';
import type { Receiver } from './receiver.ts';
import { zipkinSpans } from './zipkin/spans.ts';

/** Every receiver that speaks HTTP or gRPC, by the listener whose port its senders know. */
export const httpReceivers = {
  otlp: [otlpHttp, otlpGrpc],
  loki: [lokiPush, otlpHttp, otlpGrpc],
  prometheus: [remoteWrite, otlpHttp, otlpGrpc],
  zipkin: [zipkinSpans],
  jaeger: [jaegerThrift, jaegerGrpc],
  elasticsearch: [elasticsearchBulk],
  all: [otlpHttp, otlpGrpc, lokiPush, remoteWrite, zipkinSpans, jaegerThrift, jaegerGrpc, elasticsearchBelow],
} as const satisfies Record<string, readonly Receiver[]>;

export type HttpListener = keyof typeof httpReceivers;
