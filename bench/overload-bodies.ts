import { makeLogs } from './logs.ts';
import { hourBefore, timeNsOf } from './payload.ts';

/** A request, and how many records it has. */
export interface Body {
  readonly bytes: Uint8Array;
  readonly records: number;
}

const templates = 32;
const recordsPerBody = 1_000;

/**
 * Gives one request after another, each with times of its own: a body that came before would be known and not
 * stored again. Only the times are written anew, for encoding takes longer than receiving.
 */
export function bodyTemplates(): () => Body {
  const count = templates * recordsPerBody;
  const range = hourBefore(Date.now());
  const made = makeLogs(count, range).payloads.map(({ body }, payload) => {
    const bytes = Buffer.from(body);
    const offsets: number[] = [];
    for (let record = 0; record < recordsPerBody; record++) {
      const time = Buffer.alloc(8);
      time.writeBigUInt64LE(timeNsOf(range, payload * recordsPerBody + record, count));
      const offset = bytes.indexOf(time, offsets.at(-1) ?? 0);
      if (offset === -1) throw new Error(`record ${record} has not the time that it was made with`);
      offsets.push(offset);
    }
    return { bytes, offsets };
  });
  let next = 0;
  let lastNs = 0n;
  return () => {
    const { bytes, offsets } = made[next++ % made.length] ?? { bytes: Buffer.alloc(0), offsets: [] };
    const copy = Buffer.from(bytes);
    const nowNs = BigInt(Date.now()) * 1_000_000n;
    if (nowNs > lastNs) lastNs = nowNs;
    for (const offset of offsets) {
      lastNs += 1n;
      copy.writeBigUInt64LE(lastNs, offset);
    }
    return { bytes: copy, records: offsets.length };
  };
}
