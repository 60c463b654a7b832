import { chmod, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import fastify, { type FastifyInstance } from 'fastify';
import {
  type NewHold,
  type PinnedFiles,
  type Storage,
  type StoreStatus,
  VarveError,
} from '../storage/index.ts';

/** Linux and macOS cut longer paths of sockets (`sun_path`), the final zero byte counted. */
const pathMaxBytes = 103;
const timeoutMs = 10_000;
/** Sealing may have to write much. */
const sealTimeoutMs = 300_000;
/** After that a backup that says no more is taken for dead. */
const backupMaxSilenceMs = 60_000;
const bodyMaxBytes = 4_096;

const holdSchema = {
  type: 'object',
  required: ['owner', 'maxAgeMs', 'from'],
  additionalProperties: false,
  properties: {
    owner: { type: 'string' },
    maxAgeMs: { type: 'integer', minimum: 1 },
    from: { type: 'string', enum: ['oldest', 'tail'] },
  },
} as const;

type Hold = Omit<NewHold, 'name'>;

/**
 * A socket in the data directory, over which a running Varve is asked and takes commands: whoever may open it
 * may do so, whatever ports, certificates and credentials it has.
 */
export interface ControlSocket {
  close(): Promise<void>;
}

/** Where it is; undefined where the path is too long for one. */
export function controlSocketPath(dataDir: string): string | undefined {
  const path = join(dataDir, 'control.sock');
  return Buffer.byteLength(path) > pathMaxBytes ? undefined : path;
}

/** Opens the socket of a data directory that this process holds. */
export async function openControlSocket(path: string, storage: Storage): Promise<ControlSocket> {
  const app = fastify({ bodyLimit: bodyMaxBytes });
  app.setErrorHandler(async (error, _request, reply) => {
    const status = error instanceof VarveError ? 400 : ((error as { statusCode?: number }).statusCode ?? 500);
    const message = error instanceof Error ? error.message : String(error);
    return await reply.code(status).type('text/plain; charset=utf-8').send(message);
  });
  app.get('/status', async (_request, reply) => await reply.send(storage.status()));
  app.put<{ Params: { name: string }; Body: Hold }>(
    '/holds/:name',
    { schema: { body: holdSchema } },
    async ({ params, body }, reply) => {
      await storage.hold({ ...body, name: params.name });
      return await reply.code(204).send();
    },
  );
  app.delete<{ Params: { name: string } }>('/holds/:name', async ({ params }, reply) => {
    const found = await storage.release(params.name);
    return found ? reply.code(204).send() : reply.code(404).send(`there is no hold '${params.name}'`);
  });
  const pins = serveBackup(app, storage);
  // What a killed process left behind; the data directory is locked, so nobody listens there.
  await rm(path, { force: true });
  await app.listen({ path });
  await chmod(path, 0o600);
  return {
    close: async () => {
      pins.forget();
      await app.close();
    },
  };
}

/** Files that are kept for a backup, as long as it says every minute that it goes on. */
class Pins {
  readonly #storage: Storage;
  #timer: NodeJS.Timeout | undefined;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  get areKept(): boolean {
    return this.#timer !== undefined;
  }

  async take(): Promise<PinnedFiles> {
    this.keepOn();
    try {
      return await this.#storage.pin();
    } catch (thrown) {
      this.forget();
      throw thrown;
    }
  }

  keepOn(): void {
    this.forget();
    this.#timer = setTimeout(() => {
      // A store that closes meanwhile has let them go.
      this.letGo().catch(() => undefined);
    }, backupMaxSilenceMs);
  }

  async letGo(): Promise<void> {
    this.forget();
    await this.#storage.unpin();
  }

  forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function serveBackup(app: FastifyInstance, storage: Storage): Pins {
  const pins = new Pins(storage);
  app.post('/backup', async (_request, reply) => {
    if (pins.areKept) return await reply.code(409).send('another backup is under way; wait for it');
    const pinned = await pins.take();
    pins.keepOn();
    return await reply.send(pinned);
  });
  app.put('/backup', async (_request, reply) => {
    if (!pins.areKept) return await reply.code(409).send('the backup was silent for too long; run it again');
    pins.keepOn();
    return await reply.code(204).send();
  });
  app.get('/backup/journal', async (_request, reply) => await reply.send(await storage.journalFiles()));
  app.delete('/backup', async (_request, reply) => {
    await pins.letGo();
    return await reply.code(204).send();
  });
  return pins;
}

/**
 * The state of the Varve that has the data directory open.
 *
 * @throws Error with what it answered, or that nothing answers
 */
export async function runningStatus(dataDir: string): Promise<StoreStatus> {
  return JSON.parse(await command(dataDir, 'GET', '/status')) as StoreStatus;
}

/** Whether a Varve has the data directory open and answers. */
export async function answers(dataDir: string): Promise<boolean> {
  try {
    await runningStatus(dataDir);
    return true;
  } catch {
    return false;
  }
}

/**
 * Gives a command to the Varve that has the data directory open, and its answer.
 *
 * @throws Error with what it answered, or that nothing answers
 */
export async function command(
  dataDir: string,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: object,
): Promise<string> {
  const socketPath = controlSocketPath(dataDir);
  if (socketPath === undefined)
    throw new Error(`${dataDir} is too long a path for a socket; choose a shorter data_dir`);
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const headers = payload === undefined ? {} : { 'content-type': 'application/json' };
  const [status, answer] = await new Promise<[number, string]>((resolve, reject) => {
    const signal = AbortSignal.timeout(method === 'POST' ? sealTimeoutMs : timeoutMs);
    const options = { socketPath, method, path, headers, signal };
    const sent = httpRequest(options, (response) => {
      text(response).then((said) => {
        resolve([response.statusCode ?? 500, said]);
      }, reject);
    });
    sent.on('error', (error) => {
      reject(
        new Error(`nothing answers at ${socketPath}; is Varve running with this data_dir?`, { cause: error }),
      );
    });
    sent.end(payload);
  });
  if (status >= 300) throw new Error(answer);
  return answer;
}
