import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { BodyEncoding, BodyFormat } from '../../storage/index.ts';
import { asksForCredentials, challenge, IngestError, refusalOf, retryAfterOf } from '../errors.ts';
import { refuseOtherMethods } from '../methods.ts';
import {
  contentEncodingOf,
  type Intake,
  leaveBodiesUnread,
  mediaTypeOf,
  type Receiver,
} from '../receiver.ts';
import { exportResponse, exportResponseJson, rpcStatus, type Signal } from './answer.ts';
import { allowOrigins } from './cors.ts';
import { otlpStatus } from './status.ts';

const protobuf = 'application/x-protobuf';
const json = 'application/json';
type MediaType = typeof protobuf | typeof json;

const formats = {
  logs: { [protobuf]: 'otlpLogsProtobuf', [json]: 'otlpLogsJson' },
  traces: { [protobuf]: 'otlpTracesProtobuf', [json]: 'otlpTracesJson' },
  metrics: { [protobuf]: 'otlpMetricsProtobuf', [json]: 'otlpMetricsJson' },
} as const satisfies Record<Signal, Record<MediaType, BodyFormat>>;

/** Senders configured for Loki, Mimir or Prometheus put these prefixes before OTLP's own path. */
const paths = {
  logs: ['/v1/logs', '/otlp/v1/logs'],
  traces: ['/v1/traces', '/otlp/v1/traces'],
  metrics: ['/v1/metrics', '/otlp/v1/metrics', '/api/v1/otlp/v1/metrics'],
} as const satisfies Record<Signal, readonly string[]>;

const encodings: Readonly<Record<string, BodyEncoding>> = {
  '': 'identity',
  gzip: 'gzip',
  zstd: 'zstd',
  snappy: 'snappy',
  'x-snappy-framed': 'snappy',
  deflate: 'deflate',
  zlib: 'deflate',
  lz4: 'lz4',
};

/** OTLP over HTTP (OTLP specification 1.x, "OTLP/HTTP"). */
export const otlpHttp: Receiver = {
  name: 'otlpHttp',
  register(app, intake) {
    leaveBodiesUnread(app);
    const everyPath = Object.values(paths).flat();
    allowOrigins(app, intake.corsOrigins, everyPath);
    // Pages ask with OPTIONS, which is answered where any may send.
    refuseOtherMethods(app, everyPath, { except: intake.corsOrigins.length > 0 ? ['OPTIONS'] : [] });
    for (const signal of ['logs', 'traces', 'metrics'] as const)
      for (const path of paths[signal]) route(app, intake, path, signal);
  },
};

function route(app: FastifyInstance, intake: Intake, path: string, signal: Signal): void {
  app.post(path, async (request, reply) => {
    const media = formOf(request);
    try {
      if (media === undefined) {
        throw new IngestError(
          'MEDIA_TYPE_UNSUPPORTED',
          `415 unsupported media type, supported: [${json}, ${protobuf}]`,
        );
      }
      const declared = { format: formats[signal][media], encoding: encodingOf(request) };
      const receipt = await intake.http(otlpHttp.name, request, declared);
      const body = media === json ? exportResponseJson(signal, receipt) : exportResponse(receipt);
      return await answer(reply, 200, media, body);
    } catch (thrown) {
      return await refuse(reply, media, thrown, intake);
    }
  });
}

function formOf(request: FastifyRequest): MediaType | undefined {
  const media = mediaTypeOf(request);
  return media === protobuf || media === json ? media : undefined;
}

function encodingOf(request: FastifyRequest): BodyEncoding {
  const name = contentEncodingOf(request);
  const encoding = encodings[name];
  if (encoding === undefined) {
    throw new IngestError(
      'ENCODING_UNSUPPORTED',
      `content encoding '${name}' is not one of ${Object.keys(encodings).filter(Boolean).join(', ')}`,
    );
  }
  return encoding;
}

async function refuse(
  reply: FastifyReply,
  media: MediaType | undefined,
  thrown: unknown,
  intake: Intake,
): Promise<FastifyReply> {
  const refusal = refusalOf(thrown);
  const { code, message } = refusal;
  const { http, grpc } = otlpStatus[code];
  const retryAfter = retryAfterOf(refusal, intake.retryAfterSeconds);
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  // The rest of the body is not read, so the connection cannot be used again.
  if (code === 'BODY_TOO_LARGE') reply.header('connection', 'close');
  if (asksForCredentials(code)) reply.header('www-authenticate', challenge);
  if (media === undefined) return await reply.code(http).type('text/plain').send(message);
  const body = media === json ? JSON.stringify({ code: grpc, message }) : rpcStatus(grpc, message);
  return await answer(reply, http, media, body);
}

/** The type exactly, without parameters: the Collector compares it as a string. */
async function answer(
  reply: FastifyReply,
  status: number,
  media: MediaType,
  body: Uint8Array | string,
): Promise<FastifyReply> {
  return await reply.code(status).header('content-type', media).send(Buffer.from(body));
}
