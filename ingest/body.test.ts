import { once } from 'node:events';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Admission } from './admission.ts';
import { type BodyRoom, readBody } from './body.ts';
import { BodyBuffers } from './body-buffers.ts';

const maxBytes = 10;

function admission(bytes = 1_000) {
  return new Admission({ maxBytes: bytes, tenantMaxBytes: () => bytes });
}

function room(changed: Partial<BodyRoom> = {}): BodyRoom {
  return { maxBytes, permit: admission().enter('a'), buffers: new BodyBuffers(1 << 20), ...changed };
}

describe('a request body', () => {
  it('is given back whole, over chunks', async () => {
    const stream = Readable.from([Buffer.from('abc'), Buffer.from('def')]);
    expect((await readBody(stream, room())).toString()).toBe('abcdef');
  });

  it('is refused by its declared length before a byte is read', async () => {
    const stream = Readable.from([Buffer.from('abc')]);
    await expect(readBody(stream, room({ declaredBytes: 11 }))).rejects.toThrow(
      'the body is over limits.body_max_bytes = 10; send smaller batches',
    );
  });

  it('is refused when more comes than was declared', async () => {
    const stream = Readable.from([Buffer.alloc(6), Buffer.alloc(6)]);
    await expect(readBody(stream, room({ declaredBytes: 3 }))).rejects.toMatchObject({
      code: 'BODY_TOO_LARGE',
    });
  });

  it('is refused while it is read when too many bytes are in flight', async () => {
    const stream = Readable.from([Buffer.alloc(3), Buffer.alloc(3)]);
    await expect(readBody(stream, room({ permit: admission(5).enter('a') }))).rejects.toMatchObject({
      code: 'TENANT_OVERLOADED',
    });
    expect(stream.destroyed).toBe(false);
  });

  it('is refused when the sender leaves', async () => {
    const stream = new Readable({ read: () => undefined });
    stream.push('abc');
    stream.destroy(new Error('socket hang up'));
    await expect(readBody(stream, room())).rejects.toMatchObject({
      code: 'BODY_ABORTED',
    });
  });

  it('is given back whole when its length was declared, and when it is longer than that', async () => {
    const chunks = () => Readable.from([Buffer.from('ab'), Buffer.from('cde'), Buffer.from('f')]);
    for (const declaredBytes of [1, 4, 5, 6, 9]) {
      expect((await readBody(chunks(), room({ declaredBytes }))).toString()).toBe('abcdef');
    }
  });

  it('that does not fit is refused with its first chunk, and the rest is read and let go', async () => {
    const stream = Readable.from(Array.from({ length: 9 }, () => Buffer.alloc(1)));
    const permit = admission(8).enter('a');
    await expect(readBody(stream, room({ declaredBytes: 9, permit }))).rejects.toThrow(
      'tenant a has 9 bytes in flight, over limits.in_flight_max_bytes = 8',
    );
    await once(stream, 'end');
  });

  it('that is declared long and comes slowly holds little', async () => {
    const held = admission();
    const stream = new Readable({ read: () => undefined });
    const sender = { maxBytes: 1_000, declaredBytes: 1_000, permit: held.enter('a') };
    const reading = readBody(stream, room(sender));
    stream.push(Buffer.alloc(2));
    await expect.poll(() => held.inFlightBytes).toBe(32);
    stream.destroy();
    await expect(reading).rejects.toMatchObject({ code: 'BODY_ABORTED' });
  });

  it('is read into memory of one before, once nobody reads that', async () => {
    const buffers = new BodyBuffers(1 << 20);
    const read = async (text: string) => {
      const permit = admission().enter('a');
      const stream = Readable.from([Buffer.from(text.slice(0, 1)), Buffer.from(text.slice(1))]);
      const body = await readBody(stream, room({ declaredBytes: text.length, permit, buffers }));
      return { body, permit };
    };
    const first = await read('first');
    const second = await read('second');
    expect(second.body.buffer).not.toBe(first.body.buffer);
    first.permit.release();
    first.permit.release();
    const [third, fourth] = [await read('third'), await read('fourth')];
    expect(third.body.buffer).toBe(first.body.buffer);
    expect(fourth.body.buffer).not.toBe(first.body.buffer);
    expect([second, third, fourth].map(({ body }) => body.toString())).toEqual(['second', 'third', 'fourth']);
  });
});
