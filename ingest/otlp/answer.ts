import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Receipt } from '../../storage/index.ts';

/** OTLP's three signals; each has its service, its paths and its word for a record. */
export type Signal = 'logs' | 'traces' | 'metrics';

const rejectedField = {
  logs: 'rejectedLogRecords',
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
} as const satisfies Record<Signal, string>;

/** `Export…ServiceResponse` in protobuf; zero bytes when all was taken. The three messages have the same fields. */
export function exportResponse(receipt: Receipt): Uint8Array {
  const partial = partialSuccess(receipt);
  const response = new BinaryWriter();
  if (partial !== undefined) {
    response.tag(1, WireType.LengthDelimited).fork();
    response
      .tag(1, WireType.Varint)
      .int64(partial.rejected)
      .tag(2, WireType.LengthDelimited)
      .string(partial.message);
    response.join();
  }
  return response.finish();
}

/** The same in OTLP's JSON: 64-bit numbers are strings. */
export function exportResponseJson(signal: Signal, receipt: Receipt): string {
  const partial = partialSuccess(receipt);
  if (partial === undefined) return '{}';
  return JSON.stringify({
    partialSuccess: {
      [rejectedField[signal]]: String(partial.rejected),
      errorMessage: partial.message,
    },
  });
}

function partialSuccess({ refused }: Receipt): { rejected: number; message: string } | undefined {
  if (refused.length === 0) return undefined;
  return {
    rejected: refused.reduce((sum, { count }) => sum + count, 0),
    message: refused.map(({ message }) => message).join('; '),
  };
}

/**
 * `google.rpc.Status` in protobuf. With `retryAfterSeconds` it carries a `google.rpc.RetryInfo`:
 * exporters retry RESOURCE_EXHAUSTED only if that is there (OTLP specification, "OTLP/gRPC Throttling").
 */
export function rpcStatus(code: number, message: string, retryAfterSeconds?: number): Uint8Array {
  const status = new BinaryWriter();
  status.tag(1, WireType.Varint).int32(code).tag(2, WireType.LengthDelimited).string(message);
  if (retryAfterSeconds !== undefined) {
    status.tag(3, WireType.LengthDelimited).fork();
    status.tag(1, WireType.LengthDelimited).string('type.googleapis.com/google.rpc.RetryInfo');
    status
      .tag(2, WireType.LengthDelimited)
      .fork()
      .tag(1, WireType.LengthDelimited)
      .fork()
      .tag(1, WireType.Varint)
      .int64(retryAfterSeconds)
      .join()
      .join();
    status.join();
  }
  return status.finish();
}
