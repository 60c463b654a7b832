import { describe, expect, it } from 'vitest';
import { BodyBuffers } from './body-buffers.ts';

const KiB = 1024;
const buffers = new BodyBuffers(1024 * KiB);

describe('memory of bodies', () => {
  it.each([64 * KiB, 64 * KiB + 1, 100_000, 464_123, 1024 * KiB + 1, 8 * 1024 * KiB])(
    'of %i bytes is that long, and holds an eighth more at most',
    (bytes) => {
      const memory = buffers.take(bytes);
      expect(memory).toHaveLength(bytes);
      expect(memory.buffer.byteLength).toBeLessThanOrEqual(bytes * 1.125);
    },
  );

  it('serves bodies of about the same length', () => {
    const first = buffers.take(464_123);
    buffers.giveBack(first);
    expect(buffers.take(470_000).buffer).toBe(first.buffer);
  });

  it('is given back once', () => {
    const first = buffers.take(1);
    buffers.giveBack(first);
    buffers.giveBack(first);
    expect(buffers.take(1).buffer).toBe(first.buffer);
    expect(buffers.take(1).buffer).not.toBe(first.buffer);
  });

  it('is not kept over the bound', () => {
    const large = buffers.take(2 * 1024 * KiB);
    buffers.giveBack(large);
    expect(buffers.take(2 * 1024 * KiB).buffer).not.toBe(large.buffer);
  });
});
