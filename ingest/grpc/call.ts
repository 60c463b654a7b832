import { constants, type Http2ServerResponse } from 'node:http2';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { BodyEncoding } from '../../storage/index.ts';
import { IngestError } from '../errors.ts';

/** Outcome of a call, as its trailers tell it. */
export interface GrpcStatus {
  /** `google.rpc.Code`. */
  readonly code: number;
  readonly message: string;
  /** `google.rpc.Status` in protobuf. */
  readonly details?: Uint8Array;
}

/** A method that takes one message and answers with one; what it throws, `statusOf` puts in gRPC's words. */
export interface UnaryMethod {
  readonly path: string;
  /** The answer's message. */
  readonly handle: (request: FastifyRequest) => Promise<Uint8Array>;
  readonly statusOf: (thrown: unknown) => GrpcStatus;
}

/** Flag and length before each message. */
const prefixBytes = 5;

// `snappy` is the framed format, which native code tells from blocks by its first bytes.
const encodings: Readonly<Record<string, BodyEncoding>> = {
  identity: 'identity',
  gzip: 'gzip',
  deflate: 'deflate',
  zstd: 'zstd',
  snappy: 'snappy',
};
const acceptedEncodings = Object.keys(encodings).join(',');

/** `google.rpc.Code`. */
const unimplemented = 12;

/** Serves a method beside HTTP's routes (gRPC over HTTP2, "Protocol"). Bodies stay unread: `handle` reads its own. */
export function serveUnary(app: FastifyInstance, { path, handle, statusOf }: UnaryMethod): void {
  serveGrpc(app, path, async (request, answer) => {
    try {
      const message = await handle(request);
      beginAnswer(answer);
      answer.end(framed(message));
    } catch (thrown) {
      refuse(answer, statusOf(thrown));
    }
  });
}

/** Serves a path whose answer the caller writes itself. */
export function serveGrpc(
  app: FastifyInstance,
  path: string,
  serve: (request: FastifyRequest, answer: Http2ServerResponse) => Promise<void>,
): void {
  app.post(path, async (request, reply) => {
    if (!isGrpc(request)) {
      return await reply
        .code(415)
        .type('text/plain')
        .send('415 this path speaks gRPC: HTTP/2 with content type application/grpc\n');
    }
    reply.hijack();
    await serve(request, reply.raw as unknown as Http2ServerResponse);
    return reply;
  });
}

/** Whether a request is a call, whose client reads its outcome in trailers. */
export function isGrpc({ headers, raw }: FastifyRequest): boolean {
  const media = headers['content-type'] ?? '';
  return raw.httpVersionMajor === 2 && /^application\/grpc(\+proto)?(;|$)/i.test(media);
}

/** Answers a call of a method that nobody serves. */
export function refuseUnknownMethod(request: FastifyRequest, reply: FastifyReply): void {
  reply.hijack();
  const message = `no method ${request.url.slice(0, 200)} is served here`;
  refuse(reply.raw as unknown as Http2ServerResponse, { code: unimplemented, message });
}

/** How the call's message may be compressed. @throws IngestError ENCODING_UNSUPPORTED */
export function encodingOf(request: FastifyRequest): BodyEncoding {
  const header = request.headers['grpc-encoding'] ?? 'identity';
  const name = String(header).toLowerCase();
  const encoding = encodings[name];
  if (encoding !== undefined) return encoding;
  throw new IngestError(
    'ENCODING_UNSUPPORTED',
    `grpc-encoding '${name.slice(0, 100)}' is not one of ${acceptedEncodings}`,
  );
}

/**
 * The one message of a request's body, and how it is compressed: its flag says whether it is.
 *
 * @throws IngestError BODY_INVALID where there is no message, a part of one, or several
 */
export function messageIn(
  body: Buffer,
  encoding: BodyEncoding,
): { readonly body: Buffer; readonly encoding: BodyEncoding } {
  if (body.length < prefixBytes) throw notOneMessage(`${body.length} bytes`);
  const [flag] = body;
  const declaredBytes = body.readUInt32BE(1);
  const message = body.subarray(prefixBytes);
  if (declaredBytes !== message.length)
    throw notOneMessage(`a message of ${declaredBytes} bytes in ${message.length}`);
  if (flag === 0) return { body: message, encoding: 'identity' };
  if (flag === 1 && encoding !== 'identity') return { body: message, encoding };
  throw new IngestError(
    'BODY_INVALID',
    `the message has compression flag ${String(flag)}, but grpc-encoding is ${encoding}`,
  );
}

function notOneMessage(found: string): IngestError {
  return new IngestError('BODY_INVALID', `the call must have one message; it has ${found}`);
}

/** A message as it goes on the wire, uncompressed. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(prefixBytes + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefixBytes);
  return frame;
}

/** Begins the answer of a call that went well; messages follow. */
export function beginAnswer(answer: Http2ServerResponse): void {
  answer.addTrailers({ 'grpc-status': '0' });
  answer.writeHead(200, headers);
}

/** Answers with a status alone, before the sender's whole body is read if need be. */
export function refuse({ stream }: Http2ServerResponse, status: GrpcStatus): void {
  if (stream.destroyed) return;
  stream.respond({ ':status': 200, ...headers, ...trailersOf(status) }, { endStream: true });
  // Whoever still sends is told to stop, without calling the answer into question (RFC 9113, section 8.1).
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
}

const headers = { 'content-type': 'application/grpc', 'grpc-accept-encoding': acceptedEncodings };

function trailersOf({ code, message, details }: GrpcStatus): Record<string, string> {
  return {
    'grpc-status': String(code),
    ...(message !== '' && { 'grpc-message': percentEncoded(message) }),
    ...(details !== undefined && {
      'grpc-status-details-bin': Buffer.from(details).toString('base64').replaceAll('=', ''),
    }),
  };
}

/** Trailers are headers, of which clients take 8 KiB; a sentence may name what a sender made as long as it likes. */
const messageMaxLength = 800;

/** gRPC over HTTP2, "Percent-Encoded": printable ASCII but the percent sign stays. */
function percentEncoded(message: string): string {
  return Buffer.from(message.slice(0, messageMaxLength))
    .toString()
    .replace(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent);
}
