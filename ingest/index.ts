import type { FastifyPluginAsync } from 'fastify';
import { type IntakeDeps, RequestIntake } from './intake.ts';
import type { IngestOptions } from './options.ts';
import { type HttpListener, httpReceivers } from './receivers.ts';

export { isGrpc, refuseUnknownMethod } from './grpc/call.ts';
export type { IntakeDeps as IngestDeps } from './intake.ts';
export type { IngestOptions, RequestLimits } from './options.ts';
export type { IngestLog, IngestMetrics } from './receiver.ts';

/** All ways in. */
export interface Ingest {
  /** The routes that senders expect behind one port. */
  readonly plugins: Readonly<Record<HttpListener, FastifyPluginAsync>>;
  /** Bytes of request bodies held now. */
  inFlightBytes(): number;
}

/** Receives, limits and hands over; one crossing into native code per request. */
export function createIngest(options: IngestOptions, deps: IntakeDeps): Ingest {
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
      all: plugin('all'),
    },
    inFlightBytes: () => intake.inFlightBytes,
  };
}
