import { Client, credentials } from '@grpc/grpc-js';
import type { Payload } from '../payload.ts';
import type { Sending } from '../send.ts';

/** Sends every payload once as a unary call, over connections of their own, each the next after its answer. */
export async function sendAllCalls(
  port: number,
  method: string,
  payloads: readonly Payload[],
  connections: number,
): Promise<Sending> {
  const ackMs: number[] = [];
  let next = 0;
  const takeTurns = async (): Promise<void> => {
    // Without a pool of its own each client would share one connection.
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    for (let payload = payloads[next++]; payload !== undefined; payload = payloads[next++]) {
      const sentAt = performance.now();
      await call(client, method, payload.body);
      ackMs.push(performance.now() - sentAt);
    }
    client.close();
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, takeTurns));
  return { elapsedMs: performance.now() - startedAt, ackMs, sentAgain: 0 };
}

async function call(client: Client, method: string, body: Uint8Array): Promise<void> {
  const bytes = (buffer: Buffer) => buffer;
  const answer = await new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest<Buffer, Buffer>(method, bytes, bytes, Buffer.from(body), (error, response) => {
      if (error !== null) reject(error);
      else resolve(response ?? Buffer.alloc(0));
    });
  });
  // A partial success has fields: nothing of a bench may be refused.
  if (answer.length > 0) throw new Error(`${method}: ${answer.toString('utf8')}`);
}
