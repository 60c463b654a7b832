import { describe, expect, it } from 'vitest';
import { QueryQueue } from './queue.ts';

const patient = { timeoutMs: 10_000 };

/** Queries that end when they are told to, and the order in which they began. */
function queries(queue: QueryQueue) {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const ask = (tenant: string, name: string, patience: Parameters<QueryQueue['run']>[1] = patient) =>
    queue.run(tenant, patience, async () => {
      begun.push(name);
      await new Promise<void>((resolve) => {
        ends.push(resolve);
      });
      return name;
    });
  const endOne = async () => {
    ends.shift()?.();
    await new Promise(setImmediate);
  };
  const end = async (count: number) => {
    for (let left = count; left > 0; left--) await endOne();
  };
  return { begun, ask, end };
}

describe('the queue of queries', () => {
  it('gives turns by tenant, not by who asked first', async () => {
    const { begun, ask, end } = queries(new QueryQueue({ runningMax: 1, waitingPerTenantMax: 10 }));
    const all = [
      ask('big', 'b1'),
      ask('big', 'b2'),
      ask('big', 'b3'),
      ask('small', 's1'),
      ask('small', 's2'),
    ];
    await end(all.length);
    expect(await Promise.all(all)).toEqual(['b1', 'b2', 'b3', 's1', 's2']);
    expect(begun).toEqual(['b1', 'b2', 's1', 'b3', 's2']);
  });

  it('keeps a place for others from a tenant that asks much', async () => {
    const { begun, ask, end } = queries(new QueryQueue({ runningMax: 3, waitingPerTenantMax: 10 }));
    const all = ['b1', 'b2', 'b3', 'b4'].map((name) => ask('big', name));
    all.push(ask('small', 's1'));
    expect(begun).toEqual(['b1', 'b2', 's1']);
    // The place of s1, which ends third, is not for the big one either.
    all.push(ask('small', 's2'));
    await end(2);
    expect(begun).toEqual(['b1', 'b2', 's1', 'b3', 's2']);
    await end(2);
    expect(begun).toEqual(['b1', 'b2', 's1', 'b3', 's2', 'b4']);
    await end(2);
    expect(await Promise.all(all)).toEqual(['b1', 'b2', 'b3', 'b4', 's1', 's2']);
  });

  it('refuses a tenant that has too many waiting, and nobody else', async () => {
    const queue = new QueryQueue({ runningMax: 1, waitingPerTenantMax: 1 });
    const { ask, end } = queries(queue);
    const waiting = [ask('big', 'b1'), ask('big', 'b2')];
    await expect(ask('big', 'b3')).rejects.toMatchObject({
      code: 'OVERLOADED',
      message: expect.stringMatching(
        /^too many outstanding requests: 1 queries of tenant big wait already/,
      ) as string,
    });
    waiting.push(ask('small', 's1'));
    expect(queue.waiting).toBe(2);
    await end(waiting.length);
    expect(await Promise.all(waiting)).toEqual(['b1', 'b2', 's1']);
    expect(queue.waiting).toBe(0);
  });

  it('lets go of a query whose client left, and of one that waited too long', async () => {
    const queue = new QueryQueue({ runningMax: 1, waitingPerTenantMax: 10 });
    const { begun, ask, end } = queries(queue);
    const running = ask('a', 'a1');
    const client = new AbortController();
    const left = ask('a', 'a2', { ...patient, signal: client.signal });
    const late = ask('a', 'a3', { timeoutMs: 1 });
    client.abort();
    await expect(left).rejects.toMatchObject({ code: 'QUERY_CANCELLED' });
    await expect(late).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' });
    await end(1);
    expect(await running).toBe('a1');
    expect(begun).toEqual(['a1']);
    const next = ask('a', 'a4');
    await end(1);
    expect(await next).toBe('a4');
  });

  it('frees the place of a query that failed', async () => {
    const queue = new QueryQueue({ runningMax: 1, waitingPerTenantMax: 10 });
    const failing = queue.run('a', patient, () => Promise.reject(new Error('broken')));
    await expect(failing).rejects.toThrow('broken');
    expect(await queue.run('a', patient, () => Promise.resolve(1))).toBe(1);
  });
});
