import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Admission } from './admission.ts';
import { readBody } from './body.ts';

const maxBytes = 10;

function permit(bytes = 1_000) {
  return new Admission({ maxBytes: bytes, tenantMaxBytes: () => bytes }).enter('a');
}

describe('a request body', () => {
  it('is given back whole, over chunks', async () => {
    const stream = Readable.from([Buffer.from('abc'), Buffer.from('def')]);
    expect((await readBody(stream, undefined, maxBytes, permit())).toString()).toBe('abcdef');
  });

  it('is refused by its declared length before a byte is read', async () => {
    const stream = Readable.from([Buffer.from('abc')]);
    await expect(readBody(stream, 11, maxBytes, permit())).rejects.toThrow(
      'the body is over limits.body_max_bytes = 10; send smaller batches',
    );
  });

  it('is refused when more comes than was declared', async () => {
    const stream = Readable.from([Buffer.alloc(6), Buffer.alloc(6)]);
    await expect(readBody(stream, 3, maxBytes, permit())).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' });
  });

  it('is refused while it is read when too many bytes are in flight', async () => {
    const stream = Readable.from([Buffer.alloc(3), Buffer.alloc(3)]);
    await expect(readBody(stream, undefined, maxBytes, permit(5))).rejects.toMatchObject({
      code: 'TENANT_OVERLOADED',
    });
    expect(stream.destroyed).toBe(false);
  });

  it('is refused when the sender leaves', async () => {
    const stream = new Readable({ read: () => undefined });
    stream.push('abc');
    stream.destroy(new Error('socket hang up'));
    await expect(readBody(stream, undefined, maxBytes, permit())).rejects.toMatchObject({
      code: 'BODY_ABORTED',
    });
  });
});
