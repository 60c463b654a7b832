import type { ServerUnaryCall, ServiceDefinition, sendUnaryData } from '@grpc/grpc-js';
import { Metadata as GrpcMetadata, type Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import type { BodyFormat } from '../../storage/index.ts';
import { refusalOf, retryAfterOf } from '../errors.ts';
import { idempotencyKeyHeader, idempotencyKeyOf } from '../idempotency-key.ts';
import type { Intake } from '../receiver.ts';
import { exportResponse, rpcStatus } from './answer.ts';
import { otlpStatus } from './status.ts';

const services = {
  'opentelemetry.proto.collector.logs.v1.LogsService': 'otlpLogsProtobuf',
  'opentelemetry.proto.collector.trace.v1.TraceService': 'otlpTracesProtobuf',
  'opentelemetry.proto.collector.metrics.v1.MetricsService': 'otlpMetricsProtobuf',
} as const satisfies Record<string, BodyFormat>;

const receiverName = 'otlpGrpc';

interface OtlpGrpcOptions {
  /** The largest message, as sent and decompressed alike. */
  readonly messageMaxBytes: number;
}

/** OTLP over gRPC (OTLP specification 1.x, "OTLP/gRPC"). Messages stay bytes: native code decodes them. */
export class OtlpGrpcServer {
  readonly #server: Server;
  readonly #health = new HealthImplementation({ '': 'SERVING' });

  constructor(options: OtlpGrpcOptions, intake: Intake) {
    this.#server = new Server({
      'grpc.max_receive_message_length': options.messageMaxBytes,
      // SDKs ping as often as every 10 s; grpc's own floor would send them away.
      'grpc.http2.min_time_between_pings_ms': 5_000,
      'grpc.keepalive_permit_without_calls': 1,
    });
    for (const [service, format] of Object.entries(services)) {
      this.#server.addService(rawUnary(service), { Export: exportHandler(format, intake) });
    }
    this.#health.addToServer(this.#server);
  }

  /** Listens; resolves to the port, which is `port` unless that is 0. */
  async listen(host: string, port: number): Promise<number> {
    return await new Promise((resolve, reject) => {
      const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
  }

  /** Takes no more calls and waits for those under way, at most `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    this.#health.setStatus('', 'NOT_SERVING');
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, timeoutMs);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

function rawUnary(service: string): ServiceDefinition {
  const bytes = (value: Uint8Array) => Buffer.from(value);
  return {
    Export: {
      path: `/${service}/Export`,
      requestStream: false,
      responseStream: false,
      requestSerialize: bytes,
      requestDeserialize: (buffer: Buffer) => buffer,
      responseSerialize: bytes,
      responseDeserialize: (buffer: Buffer) => buffer,
    },
  };
}

function exportHandler(format: BodyFormat, intake: Intake) {
  return (call: ServerUnaryCall<Buffer, Uint8Array>, answer: sendUnaryData<Uint8Array>): void => {
    takeExport(call.request, call.metadata, format, intake).then(
      (response) => {
        answer(null, response);
      },
      (thrown: unknown) => {
        answer(refusalStatus(thrown, intake.retryAfterSeconds));
      },
    );
  };
}

async function takeExport(
  body: Buffer,
  metadata: Metadata,
  format: BodyFormat,
  intake: Intake,
): Promise<Uint8Array> {
  const tenant = await intake.tenantOf({
    authorization: metadata.get('authorization').map(String)[0],
    'x-scope-orgid': metadata.get('x-scope-orgid').map(String),
  });
  const idempotencyKey = idempotencyKeyOf(metadata.get(idempotencyKeyHeader).map(String));
  const declared = { format, encoding: 'identity', idempotencyKey } as const;
  const receipt = await intake.message(receiverName, tenant, body, declared);
  return exportResponse(receipt);
}

function refusalStatus(thrown: unknown, standardSeconds: number) {
  const refusal = refusalOf(thrown);
  const { code, message } = refusal;
  const grpc = otlpStatus[code].grpc;
  const metadata = new GrpcMetadata();
  const retryAfter = retryAfterOf(refusal, standardSeconds);
  if (retryAfter !== undefined) {
    metadata.set('grpc-status-details-bin', Buffer.from(rpcStatus(grpc, message, retryAfter)));
  }
  return { code: grpc, details: message, metadata };
}
