import { once } from 'node:events';
import { connect } from 'node:net';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { Client, credentials, type Metadata, type ServiceError } from '@grpc/grpc-js';
import { fieldsAt } from './protobuf.ts';

/** What a sender sees of an answer. */
export interface RawAnswer {
  readonly status: number;
  readonly type: string;
  readonly retryAfter: string | null;
  readonly headers: Headers;
  readonly text: string;
  readonly bytes: Buffer;
}

/** POSTs bytes exactly as given; `body` as a stream has no declared length. */
export async function postRaw(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array | string | ReadableStream,
): Promise<RawAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body: typeof body === 'string' || body instanceof ReadableStream ? body : new Uint8Array(body),
    duplex: 'half',
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    retryAfter: response.headers.get('retry-after'),
    headers: response.headers,
    text: bytes.toString('utf8'),
    bytes,
  };
}

/** Writes bytes that are no request to a port and resolves when the other side has ended the connection. */
export async function writeGarbage(port: number, bytes: Uint8Array): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  // A reset is an end as well.
  socket.on('error', () => undefined);
  socket.resume();
  const closed = once(socket, 'close');
  socket.write(bytes);
  await closed;
}

/** The outcome of a call: `OK` is 0. */
export interface GrpcAnswer {
  readonly code: number;
  readonly message: string;
  readonly response: Buffer | undefined;
  /** Seconds of `google.rpc.RetryInfo` in the status' details. */
  readonly retrySeconds: number | undefined;
}

/** Calls a unary method with bytes as its message. */
export async function callRaw(port: number, path: string, message: Uint8Array): Promise<GrpcAnswer> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const bytes = (buffer: Buffer) => buffer;
  try {
    return await new Promise((resolve) => {
      client.makeUnaryRequest<Buffer, Buffer>(
        path,
        bytes,
        bytes,
        Buffer.from(message),
        (error: ServiceError | null, response) => {
          resolve({
            code: error?.code ?? 0,
            message: error?.details ?? '',
            response,
            retrySeconds: error === null ? undefined : retrySecondsIn(error.metadata),
          });
        },
      );
    });
  } finally {
    client.close();
  }
}

/** `Status.details[0]` is an Any whose value is a RetryInfo whose field 1 is a Duration whose field 1 is seconds. */
function retrySecondsIn(metadata: Metadata): number | undefined {
  const [details] = metadata.get('grpc-status-details-bin');
  if (details === undefined) return undefined;
  const status = Buffer.from(details);
  if (String(fieldsAt(status, [3, 1])[0]) !== 'type.googleapis.com/google.rpc.RetryInfo') return undefined;
  const [delay] = fieldsAt(status, [3, 2, 1]);
  if (delay === undefined) return undefined;
  const reader = new BinaryReader(delay);
  const [field, type] = reader.tag();
  return field === 1 && type === WireType.Varint ? Number(reader.int64()) : undefined;
}
