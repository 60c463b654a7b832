import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** The length-delimited fields that lie at a path of field numbers, in their order. */
export function fieldsAt(message: Uint8Array, path: readonly number[]): Buffer[] {
  const [field, ...rest] = path;
  if (field === undefined) return [Buffer.from(message)];
  const reader = new BinaryReader(message);
  const found: Buffer[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === field && type === WireType.LengthDelimited) found.push(...fieldsAt(reader.bytes(), rest));
    else reader.skip(type);
  }
  return found;
}
