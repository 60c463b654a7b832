import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Random } from './random.ts';

/** What telemetry has as an attribute; whole numbers are sent as integers. */
export type AttributeValue = string | number | boolean;

const encoded = new Map<string, Uint8Array>();
const encodedMax = 100_000;

/** Writes `KeyValue`s into repeated field `field`. What repeats is encoded once. */
export function writeAttributes(
  writer: BinaryWriter,
  field: number,
  attributes: Readonly<Record<string, AttributeValue>>,
): void {
  for (const [key, value] of Object.entries(attributes)) {
    writer.tag(field, WireType.LengthDelimited).bytes(keyValue(key, value));
  }
}

function keyValue(key: string, value: AttributeValue): Uint8Array {
  const known = `${key}\0${typeof value}\0${value}`;
  const before = encoded.get(known);
  if (before !== undefined) return before;
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).string(key);
  writer.tag(2, WireType.LengthDelimited).fork();
  if (typeof value === 'string') writer.tag(1, WireType.LengthDelimited).string(value);
  else if (typeof value === 'boolean') writer.tag(2, WireType.Varint).bool(value);
  else if (Number.isInteger(value)) writer.tag(3, WireType.Varint).int64(value);
  else writer.tag(4, WireType.Bit64).double(value);
  const bytes = writer.join().finish();
  if (encoded.size < encodedMax) encoded.set(known, bytes);
  return bytes;
}

/**
 * `Export…ServiceRequest` of logs or traces: one resource, one scope and its records for each service.
 * The two messages have the same field numbers down to the record.
 */
export function exportRequest(resources: readonly ServiceRecords[]): Uint8Array {
  const request = new BinaryWriter();
  for (const { attributes, records } of resources) {
    request.tag(1, WireType.LengthDelimited).fork();
    request.tag(1, WireType.LengthDelimited).fork();
    writeAttributes(request, 1, attributes);
    request.join();
    request.tag(2, WireType.LengthDelimited).fork();
    request.tag(1, WireType.LengthDelimited).fork();
    request.tag(1, WireType.LengthDelimited).string('shop').tag(2, WireType.LengthDelimited).string('1.4.2');
    request.join();
    for (const record of records) request.tag(2, WireType.LengthDelimited).bytes(record);
    request.join().join();
  }
  return request.finish();
}

/** A resource and its encoded records. */
export interface ServiceRecords {
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly records: readonly Uint8Array[];
}

export const services = [
  'frontend',
  'checkout',
  'payment',
  'cart',
  'catalog',
  'currency',
  'shipping',
  'quote',
  'email',
  'recommendation',
  'advert',
  'accounting',
  'fraud',
  'inventory',
  'search',
  'login',
  'profile',
  'media',
  'gateway',
  'scheduler',
] as const;

export type Service = (typeof services)[number];

/** Each service runs on five pods: twenty services are a hundred streams. */
export function podAttributes(service: Service, random: Random): Record<string, AttributeValue> {
  const pod = random.below(5);
  return {
    'service.name': service,
    'service.namespace': 'shop',
    'deployment.environment.name': 'production',
    'host.name': `node-${pod}.eu-west-1.example.com`,
    'k8s.pod.name': `${service}-7d9f8c6b5d-${pod}`,
  };
}
