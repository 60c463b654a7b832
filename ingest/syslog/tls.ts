import {
  createServer,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import type { IngestLog } from '../receiver.ts';

/** The certificate that senders are shown, and what is asked of theirs. */
export interface SyslogTls {
  readonly options: TlsOptions;
  /** Gives the server each new certificate from now on. */
  follow(server: { setSecureContext(options: SecureContextOptions): void }): void;
}

/** A TLS server that does not listen yet. */
export function createTlsServer(tls: SyslogTls, log: IngestLog): Server {
  const server = createServer({ ...tls.options, allowHalfOpen: true, noDelay: true });
  server.on('tlsClientError', (error, socket) => {
    log.warn(
      { address: socket.remoteAddress, reason: error.message },
      'syslog sender failed to agree on TLS',
    );
  });
  tls.follow(server);
  return server;
}

/** The name that a sender's verified certificate is for; empty without one. */
export function peerNameOf(socket: TLSSocket): string {
  if (!socket.authorized) return '';
  const name = socket.getPeerCertificate().subject.CN;
  return (typeof name === 'string' ? name : name?.[0]) ?? '';
}
