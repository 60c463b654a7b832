import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { compress } from 'snappyjs';
import type { RemoteWrite, Series } from '../samples.ts';

/** Remote write 2.0: every text of a request once, in its table of symbols. */
export const remoteWrite2: RemoteWrite = {
  headers: {
    'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
    'content-encoding': 'snappy',
    'x-prometheus-remote-write-version': '2.0.0',
  },
  encode,
};

function encode(some: readonly Series[], timeMs: number): Uint8Array {
  const symbols = new Map([['', 0]]);
  const numberOf = (text: string): number => {
    const known = symbols.get(text) ?? symbols.size;
    symbols.set(text, known);
    return known;
  };
  const series = new BinaryWriter();
  for (const { labels, value } of some) {
    series.tag(5, WireType.LengthDelimited).fork();
    series.tag(1, WireType.LengthDelimited).fork();
    for (const text of Object.entries(labels).flat()) series.uint32(numberOf(text));
    series.join();
    series.tag(2, WireType.LengthDelimited).fork();
    series.tag(1, WireType.Bit64).double(value).tag(2, WireType.Varint).int64(timeMs);
    series.join().join();
  }
  const request = new BinaryWriter();
  for (const text of symbols.keys()) request.tag(4, WireType.LengthDelimited).string(text);
  return compress(request.raw(series.finish()).finish());
}
