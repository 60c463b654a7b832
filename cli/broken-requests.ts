import type { Server as HttpServer, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const retryAfterSeconds = 1;

interface Refusal {
  readonly status: string;
  readonly headers?: string;
  readonly text: string;
}

/** Answers what never became a request, on one port, before its connection is closed. */
export class BrokenRequests {
  readonly #requestTimeoutMs: number;
  readonly #answers = new WeakMap<Socket, ServerResponse>();

  constructor(requestTimeoutMs: number) {
    this.#requestTimeoutMs = requestTimeoutMs;
  }

  /** Must see the server's requests, to know which of them are answered. */
  watch(server: HttpServer): void {
    server.on('request', (request, response) => {
      this.#answers.set(request.socket, response);
    });
  }

  /** For a server's `clientError`. */
  answer(error: NodeJS.ErrnoException, socket: Socket): void {
    // The rest of a request that was refused early came too late: it has its answer.
    const isAnswered = this.#answers.get(socket)?.headersSent === true;
    if (socket.writable && !isAnswered && error.code !== 'ECONNRESET') {
      const { status, headers = '', text } = this.#refusalOf(error);
      const body = `${text}\n`;
      socket.write(
        `HTTP/1.1 ${status}\r\nConnection: close\r\n${headers}Content-Type: text/plain; charset=utf-8\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    }
    socket.destroy(error);
  }

  #refusalOf({ code, message }: NodeJS.ErrnoException): Refusal {
    if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
      // 408 says the same, but OTLP's exporters take it for the last word and drop what they have.
      return {
        status: '503 Service Unavailable',
        headers: `Retry-After: ${retryAfterSeconds}\r\n`,
        text: `the request had not arrived whole within listen.request_timeout_ms = ${this.#requestTimeoutMs}; send it again`,
      };
    }
    if (code === 'HPE_HEADER_OVERFLOW')
      return { status: '431 Request Header Fields Too Large', text: 'the headers are too long' };
    return { status: '400 Bad Request', text: `not a request of HTTP/1.1: ${message}` };
  }
}
