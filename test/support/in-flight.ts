import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * Sends the beginning of a request and keeps the rest back, so that its bytes stay in flight; resolves once
 * they are written. The answer gives them back.
 */
export async function holdInFlight(port: number, bytes: number): Promise<() => Promise<void>> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  // Varve may answer or end the connection first.
  socket.on('error', () => undefined);
  socket.resume();
  const head = `POST /loki/api/v1/push HTTP/1.1\r\nHost: varve\r\nContent-Length: ${bytes + 1}\r\n\r\n`;
  await new Promise((resolve) =>
    socket.write(Buffer.concat([Buffer.from(head), Buffer.alloc(bytes)]), resolve),
  );
  return async () => {
    const closed = once(socket, 'close');
    socket.destroy();
    await closed;
  };
}
