import type { FastifyRequest } from 'fastify';
import { encodingOf, type GrpcStatus, messageIn, serveUnary } from '../grpc/call.ts';
import { grpcStatusOf } from '../otlp/grpc.ts';
import { type Intake, leaveBodiesUnread, type Receiver } from '../receiver.ts';

/** `google.rpc.Code`: nothing that would be sent again. */
const invalidArgument = 3;

/** Jaeger's spans over gRPC (`jaeger.api_v2.CollectorService`), as its agents and the Collector's exporter send them. */
export const jaegerGrpc: Receiver = {
  name: 'jaegerGrpc',
  register(app, intake) {
    leaveBodiesUnread(app);
    serveUnary(app, {
      path: '/jaeger.api_v2.CollectorService/PostSpans',
      handle: async (request) => await postSpans(request, intake),
      statusOf: (thrown) => statusOf(thrown, intake.retryAfterSeconds),
    });
  },
};

/** Some spans were refused and the others stored, which `PostSpansResponse` has no words for. */
class SpansRefused extends Error {}

async function postSpans(request: FastifyRequest, intake: Intake): Promise<Uint8Array> {
  const encoding = encodingOf(request);
  const unwrap = (body: Buffer) => messageIn(body, encoding);
  const declared = { format: 'jaegerProtobuf', encoding, unwrap } as const;
  const { refused } = await intake.http(jaegerGrpc.name, request, declared);
  if (refused.length > 0) throw new SpansRefused(refused.map(({ message }) => message).join('; '));
  return new Uint8Array();
}

function statusOf(thrown: unknown, standardSeconds: number): GrpcStatus {
  if (thrown instanceof SpansRefused) return { code: invalidArgument, message: thrown.message };
  return grpcStatusOf(thrown, standardSeconds);
}
