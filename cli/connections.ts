import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http';
import {
  constants,
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Certificates } from './tls.ts';

const MiB = 1024 * 1024;

/** What a port grants its clients. */
export interface ConnectionLimits {
  /** In which a request must have arrived whole, and a new connection must have said something. */
  readonly requestTimeoutMs: number;
  readonly connectionsMax: number;
}

/** Speaks HTTP/1.1 and HTTP/2 on one port, and so gRPC as well. */
export interface SharedServer {
  /** Listens, and knows the connections of HTTP/1.1. */
  readonly http1: HttpServer;
  /** Tells HTTP/2's clients to come no more; their requests under way are finished. */
  closeHttp2(): void;
  destroyHttp2(): void;
}

// Grafana keeps idle connections for 90 s: closed earlier, its next request fails now and then.
const idleMaxMs = 125_000;
const headersMaxBytes = 128 * 1024;
/** Of one connection at a time; bodies are bounded by what may be in flight. */
const streamsMax = 1_000;
/** What a client may send before it hears of us; node's 64 KiB would make each large body wait for the network. */
const streamWindowBytes = MiB;
const connectionWindowBytes = 8 * MiB;
/** Connections are looked over for those that are late this often, or twice per timeout. */
const lookOverMs = 10_000;

/**
 * Makes a port's server. Under TLS a client says by ALPN which HTTP it speaks, in cleartext its first
 * bytes do ("prior knowledge": RFC 9113, section 3.3).
 */
export function createSharedServer(
  handler: RequestListener,
  { requestTimeoutMs, connectionsMax }: ConnectionLimits,
  certificates: Certificates | undefined,
): SharedServer {
  const options = {
    maxHeaderSize: headersMaxBytes,
    keepAliveTimeout: idleMaxMs,
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(lookOverMs, Math.ceil(requestTimeoutMs / 2)),
  };
  const http1 =
    certificates === undefined
      ? createHttpServer(options, handler)
      : createHttpsServer(
          { ...options, ...certificates.options, ALPNProtocols: ['h2', 'http/1.1'] },
          handler,
        );
  http1.maxConnections = connectionsMax;
  const http2 = createHttp2(handler, requestTimeoutMs);
  const sessions = new Set<ServerHttp2Session>();
  http2.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  divide(http1, http2, certificates === undefined ? 'connection' : 'secureConnection', requestTimeoutMs);
  return {
    http1,
    closeHttp2: () => {
      for (const session of sessions) session.close();
    },
    destroyHttp2: () => {
      for (const session of sessions) session.destroy();
    },
  };
}

function createHttp2(handler: RequestListener, requestTimeoutMs: number): Http2Server {
  const settings = {
    initialWindowSize: streamWindowBytes,
    maxConcurrentStreams: streamsMax,
    maxHeaderListSize: headersMaxBytes,
  };
  // Fastify's handler reads and writes only what both versions' requests and answers have.
  const server = createHttp2Server(
    { settings },
    handler as unknown as (request: Http2ServerRequest, response: Http2ServerResponse) => void,
  );
  server.on('session', (session) => {
    session.setLocalWindowSize(connectionWindowBytes);
    session.setTimeout(idleMaxMs, () => {
      session.close();
    });
    // Without a listener a client's broken frame would end the process; 'close' follows.
    session.on('error', () => undefined);
  });
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    if (stream.endAfterHeaders) return;
    const late = setTimeout(() => {
      if (!stream.readableEnded) stream.close(constants.NGHTTP2_CANCEL);
    }, requestTimeoutMs);
    stream.on('close', () => {
      clearTimeout(late);
    });
  });
  return server;
}

/** Gives each connection to the server that speaks its version. */
function divide(
  http1: HttpServer,
  http2: Http2Server,
  event: 'connection' | 'secureConnection',
  silenceMaxMs: number,
): void {
  const listeners = http1.listeners(event) as ((this: HttpServer, socket: Socket) => void)[];
  http1.removeAllListeners(event);
  const give = (socket: Socket, isHttp2: boolean): void => {
    if (isHttp2) http2.emit('connection', socket);
    else for (const listener of listeners) listener.call(http1, socket);
  };
  http1.on(event, (socket: Socket) => {
    if (socket instanceof TLSSocket) give(socket, socket.alpnProtocol === 'h2');
    else peek(socket, silenceMaxMs, give);
  });
}

/** No HTTP/1 method starts with it (RFC 9113, section 3.4: the connection preface). */
const prefaceStart = Buffer.from('PRI * HTTP/2.0');

/** Looks at the first bytes of a connection and puts them back. Who says nothing is sent away. */
function peek(socket: Socket, silenceMaxMs: number, then: (socket: Socket, isHttp2: boolean) => void): void {
  let seen = Buffer.alloc(0);
  const leave = (): void => {
    socket.destroy();
  };
  const silence = setTimeout(leave, silenceMaxMs);
  const stop = (): void => {
    clearTimeout(silence);
    socket.off('readable', look);
    socket.off('end', leave);
    socket.off('error', leave);
    socket.off('close', stop);
  };
  const look = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    seen = Buffer.concat([seen, chunk]);
    const isHttp2 = seen.subarray(0, prefaceStart.length).equals(prefaceStart);
    // Not told apart yet: all that came so far could begin a preface.
    if (!isHttp2 && seen.equals(prefaceStart.subarray(0, seen.length))) return;
    stop();
    socket.unshift(seen);
    then(socket, isHttp2);
  };
  socket.on('readable', look);
  socket.on('end', leave);
  socket.on('error', leave);
  socket.on('close', stop);
}
