import type { FastifyRequest } from 'fastify';
import type { BodyFormat } from '../../storage/index.ts';
import { refusalOf, retryAfterOf } from '../errors.ts';
import { encodingOf, type GrpcStatus, messageIn, serveUnary } from '../grpc/call.ts';
import { serveHealth } from '../grpc/health.ts';
import { type Intake, leaveBodiesUnread, type Receiver } from '../receiver.ts';
import { exportResponse, rpcStatus } from './answer.ts';
import { otlpStatus } from './status.ts';

const services = {
  'opentelemetry.proto.collector.logs.v1.LogsService': 'otlpLogsProtobuf',
  'opentelemetry.proto.collector.trace.v1.TraceService': 'otlpTracesProtobuf',
  'opentelemetry.proto.collector.metrics.v1.MetricsService': 'otlpMetricsProtobuf',
} as const satisfies Record<string, BodyFormat>;

/** OTLP over gRPC (OTLP specification 1.x, "OTLP/gRPC"). Messages stay bytes: native code decodes them. */
export const otlpGrpc: Receiver = {
  name: 'otlpGrpc',
  register(app, intake) {
    leaveBodiesUnread(app);
    for (const [service, format] of Object.entries(services)) {
      serveUnary(app, {
        path: `/${service}/Export`,
        handle: async (request) => await takeExport(request, format, intake),
        statusOf: (thrown) => grpcStatusOf(thrown, intake.retryAfterSeconds),
      });
    }
    serveHealth(app, Object.keys(services));
  },
};

async function takeExport(request: FastifyRequest, format: BodyFormat, intake: Intake): Promise<Uint8Array> {
  const encoding = encodingOf(request);
  const unwrap = (body: Buffer) => messageIn(body, encoding);
  return exportResponse(await intake.http(otlpGrpc.name, request, { format, encoding, unwrap }));
}

/** What a call that was refused as a whole is told, with a `RetryInfo` where another try can help. */
export function grpcStatusOf(thrown: unknown, standardSeconds: number): GrpcStatus {
  const refusal = refusalOf(thrown);
  const { code, message } = refusal;
  const grpc = otlpStatus[code].grpc;
  const retryAfter = retryAfterOf(refusal, standardSeconds);
  if (retryAfter === undefined) return { code: grpc, message };
  return { code: grpc, message, details: rpcStatus(grpc, message, retryAfter) };
}
