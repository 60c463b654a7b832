import type { Http2ServerResponse } from 'node:http2';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readBody } from '../body.ts';
import { BodyBuffers } from '../body-buffers.ts';
import { IngestError } from '../errors.ts';
import { beginAnswer, encodingOf, framed, messageIn, refuse, serveGrpc } from './call.ts';

/** `grpc.health.v1.HealthCheckResponse.ServingStatus`. */
const servingStatus = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;

/** A request is the name of a service. */
const requestMaxBytes = 4_096;
const noBuffers = new BodyBuffers(0);
const watchesMax = 1_000;
const grpcCode = { invalid: 3, notFound: 5, exhausted: 8, unimplemented: 12 } as const;

/**
 * gRPC's health service (GRPC Health Checking Protocol), for load balancers: open to all, it tells
 * nothing but whether the server takes calls.
 *
 * `services`: names that are known; the empty name is the server itself.
 */
export function serveHealth(app: FastifyInstance, services: readonly string[]): void {
  const known = new Set(['', ...services]);
  const watches = new Set<Http2ServerResponse>();
  serveGrpc(app, '/grpc.health.v1.Health/Check', async (request, answer) => {
    const service = await readService(request, answer);
    if (service === undefined) return;
    if (!known.has(service)) {
      refuse(answer, { code: grpcCode.notFound, message: 'unknown service' });
      return;
    }
    beginAnswer(answer);
    answer.end(framed(healthResponse('SERVING')));
  });
  serveGrpc(app, '/grpc.health.v1.Health/Watch', async (request, answer) => {
    const service = await readService(request, answer);
    if (service === undefined) return;
    if (watches.size >= watchesMax) {
      refuse(answer, { code: grpcCode.exhausted, message: `${watchesMax} watches are open` });
      return;
    }
    watches.add(answer);
    answer.on('close', () => watches.delete(answer));
    beginAnswer(answer);
    answer.write(framed(healthResponse(known.has(service) ? 'SERVING' : 'SERVICE_UNKNOWN')));
  });
  app.addHook('preClose', (done) => {
    for (const answer of watches) answer.end(framed(healthResponse('NOT_SERVING')));
    done();
  });
}

/** The service asked for; undefined once the call was refused. */
async function readService(
  request: FastifyRequest,
  answer: Http2ServerResponse,
): Promise<string | undefined> {
  const permit = { reserve: () => undefined, atEnd: () => undefined };
  try {
    const body = await readBody(request.raw, { maxBytes: requestMaxBytes, permit, buffers: noBuffers });
    const { body: message, encoding } = messageIn(body, encodingOf(request));
    if (encoding !== 'identity') {
      refuse(answer, { code: grpcCode.unimplemented, message: 'health checks are not to be compressed' });
      return undefined;
    }
    return serviceIn(message);
  } catch (thrown) {
    const why = thrown instanceof IngestError ? thrown.message : 'the message is no HealthCheckRequest';
    refuse(answer, { code: grpcCode.invalid, message: why });
    return undefined;
  }
}

/** Field 1 of `HealthCheckRequest`. */
function serviceIn(message: Uint8Array): string {
  const reader = new BinaryReader(message);
  let service = '';
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.LengthDelimited) service = reader.string();
    else reader.skip(type);
  }
  return service;
}

function healthResponse(status: keyof typeof servingStatus): Uint8Array {
  return new BinaryWriter().tag(1, WireType.Varint).int32(servingStatus[status]).finish();
}
