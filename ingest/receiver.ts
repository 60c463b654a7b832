import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { BodyEncoding, BodyFormat, Receipt, TenantId } from '../storage/index.ts';
import { type IngestCode, IngestError } from './errors.ts';

/** A way in: its routes, its wire format and its answers. */
export interface Receiver {
  /** For metrics and log lines: `otlpHttp`, `lokiPush`, …. */
  readonly name: string;
  register(app: FastifyInstance, intake: Intake): void;
}

/** A way in with a socket of its own. */
export interface SocketReceiver {
  /** Listens; resolves to the port, which is `port` unless that is 0. */
  listen(host: string, port: number): Promise<number>;
  /** Takes no more and finishes what it took, at most for `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
}

/** What a request says it is. */
export interface Declared {
  readonly format: BodyFormat;
  readonly encoding: BodyEncoding;
  /** `Idempotency-Key`: by it a retry is known again, whatever its body is. */
  readonly idempotencyKey?: string | undefined;
  /** Where the path says that records belong which do not say it. */
  readonly target?: string | undefined;
}

/** What an HTTP request says it is. */
export interface DeclaredHttp extends Declared {
  /** Takes the records out of a body that is more than them: gRPC's message, of which only a flag tells the encoding. */
  readonly unwrap?: (body: Buffer) => { readonly body: Uint8Array; readonly encoding: BodyEncoding };
}

/** Headers, or gRPC metadata, by which a sender says who it is. */
export interface SenderHeaders {
  readonly authorization?: string | undefined;
  readonly 'x-scope-orgid'?: string | readonly string[] | undefined;
}

/** Whose a request may be, as `X-Scope-OrgID` names it, or why it may not be. */
export type Authenticate = (claim: {
  readonly authorization: string;
  readonly orgId: string;
  readonly scope: 'write';
}) => Promise<
  | { readonly orgId: string }
  | { readonly refused: 'unauthenticated' | 'forbidden' | 'busy'; readonly message: string }
>;

/** The one way of a request from a socket to the log. */
export interface Intake {
  /**
   * Reads an HTTP request's body under the limits and appends it.
   *
   * @throws IngestError, VarveError; `refusalOf` tells the code
   */
  http(receiver: string, request: FastifyRequest, declared: DeclaredHttp): Promise<Receipt>;
  /** The same for a message that a transport with limits of its own has read. */
  message(receiver: string, tenant: TenantId, body: Uint8Array, declared: Declared): Promise<Receipt>;
  /**
   * Whose a request is, by `X-Scope-OrgID` and `Authorization`, under their names in lower case.
   *
   * @throws IngestError TENANT_MISSING, UNAUTHENTICATED, FORBIDDEN; VarveError TENANT_INVALID
   */
  tenantOf(headers: SenderHeaders): Promise<TenantId>;
  readonly retryAfterSeconds: number;
  /** Whose pages may send over HTTP; `*`: any. */
  readonly corsOrigins: readonly string[];
  readonly log: IngestLog;
}

/** Counts what came in; `cli/telemetry.ts` makes metrics of it. */
export interface IngestMetrics {
  accepted(receiver: string, records: number, bodyBytes: number): void;
  refusedRecords(refused: RefusedBy & { readonly reason: string; readonly records: number }): void;
  /** `tenant` is undefined where the request did not say whose it is. */
  refusedRequest(
    refused: Partial<RefusedBy> & { readonly receiver: string; readonly code: IngestCode },
  ): void;
  /** A tenant came near to a limit. */
  nearLimit(tenant: string): void;
}

interface RefusedBy {
  readonly receiver: string;
  readonly tenant: string;
}

export interface IngestLog {
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
}

/** Leaves every body unread, whatever its content type: `Intake` reads it under its own limits. */
export function leaveBodiesUnread(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  // Fastify refuses an empty `Content-Type` in words of its own; to a receiver it is one like none.
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.headers['content-type']?.trim() === '') delete request.raw.headers['content-type'];
    done();
  });
  app.addContentTypeParser('*', (_request, _payload, done) => {
    done(null);
  });
}

/** `Content-Type` without its parameters, in lower case; empty where there is none. */
export function mediaTypeOf(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/**
 * The encoding of a body that may be compressed with gzip and with nothing else.
 *
 * @throws IngestError ENCODING_UNSUPPORTED
 */
export function gzipOrNone(request: FastifyRequest): BodyEncoding {
  const name = contentEncodingOf(request);
  if (name === '') return 'identity';
  if (name === 'gzip') return 'gzip';
  throw new IngestError('ENCODING_UNSUPPORTED', `content encoding '${name}' is not gzip`);
}

/** `Content-Encoding` in lower case; empty where there is none. */
export function contentEncodingOf(request: FastifyRequest): string {
  const encoding = (request.headers['content-encoding'] ?? '').trim().toLowerCase();
  return encoding === 'identity' ? '' : encoding;
}
