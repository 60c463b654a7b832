import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { connect as connectHttp2, constants } from 'node:http2';
import { Agent, type RequestOptions, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import type { Pair } from './certificates.ts';

/** Whom a client trusts, and the certificate that it shows. */
export interface ClientIdentity {
  readonly authority: string;
  readonly pair?: Pair | undefined;
}

function filesOf({ authority, pair }: ClientIdentity) {
  const ca = readFileSync(authority);
  return pair === undefined ? { ca } : { ca, cert: readFileSync(pair.cert), key: readFileSync(pair.key) };
}

/** An HTTP/1.1 request over TLS; resolves to status and body, rejects where the handshake fails. */
export async function requestSecurely(
  port: number,
  path: string,
  identity: ClientIdentity,
  { body, ...options }: RequestOptions & { readonly body?: string } = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const sent = request({
    ...{ host: '127.0.0.1', port, path, agent: false },
    ...filesOf(identity),
    ...options,
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, text: await text(response) };
}

/** One connection that stays open over many requests. */
export function keptConnection(identity: ClientIdentity): Agent {
  return new Agent({ ...filesOf(identity), keepAlive: true, maxSockets: 1 });
}

/** An HTTP/2 request, in cleartext or over TLS as the URL says. */
export async function requestHttp2(
  url: string,
  { path, headers = {}, body = '' }: { path: string; headers?: Record<string, string>; body?: string },
  identity?: ClientIdentity,
): Promise<{ readonly status: number; readonly text: string }> {
  const session = connectHttp2(url, identity === undefined ? {} : filesOf(identity));
  const failed = once(session, 'error').then(([error]) => {
    throw error as Error;
  });
  const stream = session.request({ ...headers, ':path': path, ':method': body === '' ? 'GET' : 'POST' });
  if (body !== '') stream.end(body);
  try {
    const answered = once(stream, 'response').then(async ([answer]) => ({
      status: Number((answer as Record<string, unknown>)[constants.HTTP2_HEADER_STATUS]),
      text: await text(stream),
    }));
    return await Promise.race([answered, failed]);
  } finally {
    session.close();
  }
}

/** A unary call over TLS; resolves to its code, 0 where it went well. */
export async function callSecurely(
  port: number,
  path: string,
  message: Uint8Array,
  identity: ClientIdentity,
): Promise<number> {
  const { ca, cert, key } = { cert: null, key: null, ...filesOf(identity) };
  const client = new Client(`127.0.0.1:${port}`, credentials.createSsl(ca, key, cert));
  const bytes = (buffer: Buffer) => buffer;
  try {
    return await new Promise((resolve) => {
      const deadline = Date.now() + 10_000;
      const done = (error: ServiceError | null) => {
        resolve(error?.code ?? 0);
      };
      client.makeUnaryRequest<Buffer, Buffer>(path, bytes, bytes, Buffer.from(message), { deadline }, done);
    });
  } finally {
    client.close();
  }
}
