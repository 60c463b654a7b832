import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { SyslogFraming } from '../../native/index.ts';
import type { SyslogOptions } from '../options.ts';
import type { Intake, SocketReceiver } from '../receiver.ts';
import { listening } from './listening.ts';
import { SyslogQueue } from './queue.ts';
import type { SyslogStoring } from './storing.ts';
import { createTlsServer, peerNameOf, type SyslogTls } from './tls.ts';

/** At shutdown, how long a connection may still bring what its sender had sent before it knew. */
const closeGraceMs = 500;

const keepAliveMs = 60_000;

/** Syslog over TCP or TLS. Nothing is answered; what cannot be stored now is not read, so that senders keep it. */
export class SyslogStreams implements SocketReceiver {
  readonly #options: SyslogOptions;
  readonly #intake: Intake;
  readonly #storing: SyslogStoring;
  readonly #queue: SyslogQueue;
  readonly #connections = new Map<Socket, Promise<void>>();
  readonly #server: Server;

  constructor(options: SyslogOptions, storing: SyslogStoring, intake: Intake, tls?: SyslogTls) {
    this.#options = options;
    this.#intake = intake;
    this.#storing = storing;
    this.#queue = new SyslogQueue(options.waitingMaxBytes, async (body) => {
      await storing.store(body);
    });
    if (tls === undefined) {
      this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
        this.#accept(socket, '');
      });
    } else {
      this.#server = createTlsServer(tls, intake.log).on('secureConnection', (socket) => {
        this.#accept(socket, peerNameOf(socket));
      });
    }
    this.#server.maxConnections = options.connectionsMax;
    this.#server.on('drop', (connection) => {
      const { connectionsMax } = this.#options;
      const address = connection?.remoteAddress;
      this.#intake.log.warn({ address, connectionsMax }, 'syslog connection refused: too many are open');
    });
  }

  async listen(host: string, port: number): Promise<number> {
    return await listening(this.#server, host, port);
  }

  async drain(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => {
      this.#storing.giveUp();
      for (const socket of this.#connections.keys()) socket.destroy();
    }, timeoutMs);
    this.#server.close();
    // Tells the senders; what they had sent before is on its way.
    for (const socket of this.#connections.keys()) socket.end();
    await Promise.race([pause(Math.min(closeGraceMs, timeoutMs)), this.#allClosed()]);
    for (const socket of this.#connections.keys()) socket.destroy();
    await this.#allClosed();
    await this.#queue.empty();
    clearTimeout(timer);
  }

  #accept(socket: Socket, peerName: string): void {
    socket.setKeepAlive(true, keepAliveMs);
    const served = this.#serve(socket, peerName).finally(() => {
      this.#connections.delete(socket);
    });
    this.#connections.set(socket, served);
  }

  async #serve(socket: Socket, peerName: string): Promise<void> {
    const address = socket.remoteAddress ?? '';
    const framing = new SyslogFraming(this.#options.messageMaxBytes, address, peerName);
    try {
      for await (const chunk of socket as AsyncIterable<Buffer>) await this.#queue.add(framing.push(chunk));
    } catch (thrown) {
      // A reset loses what the sender had not sent; what came of it is kept below.
      this.#intake.log.warn({ address, err: thrown }, 'syslog connection broke');
    }
    await this.#queue.add(framing.finish());
    socket.end();
    socket.destroySoon();
  }

  async #allClosed(): Promise<void> {
    await Promise.all(this.#connections.values());
  }
}
