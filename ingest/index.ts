import type { FastifyPluginAsync } from 'fastify';
import { type IntakeDeps, RequestIntake } from './intake.ts';
import type { IngestOptions } from './options.ts';
import { type HttpListener, httpReceivers } from './receivers.ts';
import { SyslogUdp } from './syslog/datagrams.ts';
import { SyslogStoring } from './syslog/storing.ts';
import { SyslogStreams } from './syslog/streams.ts';
import type { SyslogTls } from './syslog/tls.ts';

export { isGrpc, refuseUnknownMethod } from './grpc/call.ts';
export type { IngestOptions, RequestLimits } from './options.ts';
export type { IngestLog, IngestMetrics, SocketReceiver } from './receiver.ts';

export interface IngestDeps extends IntakeDeps {
  /** Absent where syslog has no certificate. */
  readonly syslogTls?: SyslogTls | undefined;
}

/** All ways in. */
export interface Ingest {
  /** The routes that senders expect behind one port. */
  readonly plugins: Readonly<Record<HttpListener, FastifyPluginAsync>>;
  /** Syslog's sockets; undefined when no tenant is set to whom messages could belong. */
  readonly syslog: Syslog | undefined;
  /** Bytes of request bodies held now. */
  inFlightBytes(): number;
}

/** Syslog by transport. */
export interface Syslog {
  readonly tcp: SyslogStreams;
  /** undefined without a certificate. */
  readonly tls: SyslogStreams | undefined;
  readonly udp: SyslogUdp;
}

/** Receives, limits and hands over; one crossing into native code per request. */
export function createIngest(options: IngestOptions, deps: IngestDeps): Ingest {
  const intake = new RequestIntake(options, deps);
  const plugin =
    (listener: HttpListener): FastifyPluginAsync =>
    async (app) => {
      // Each in a context of its own: content type parsers of one must not reach another's routes.
      for (const receiver of httpReceivers[listener]) {
        await app.register((scope, _options, done) => {
          receiver.register(scope, intake);
          done();
        });
      }
    };
  return {
    plugins: {
      otlp: plugin('otlp'),
      loki: plugin('loki'),
      prometheus: plugin('prometheus'),
      zipkin: plugin('zipkin'),
      jaeger: plugin('jaeger'),
      elasticsearch: plugin('elasticsearch'),
      all: plugin('all'),
    },
    syslog: createSyslog(options, intake, deps.syslogTls),
    inFlightBytes: () => intake.inFlightBytes,
  };
}

function createSyslog(
  { syslog }: IngestOptions,
  intake: RequestIntake,
  tls: SyslogTls | undefined,
): Syslog | undefined {
  const { tenant } = syslog;
  if (tenant === null) return undefined;
  const storing = (receiver: string) => new SyslogStoring(receiver, tenant, intake);
  return {
    tcp: new SyslogStreams(syslog, storing('syslogTcp'), intake),
    tls: tls && new SyslogStreams(syslog, storing('syslogTls'), intake, tls),
    udp: new SyslogUdp(syslog, storing('syslogUdp')),
  };
}
