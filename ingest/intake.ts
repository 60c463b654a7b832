import type { FastifyRequest } from 'fastify';
import { parseTenant, type Receipt, type Storage, type TenantId } from '../storage/index.ts';
import { Admission, type Permit } from './admission.ts';
import { readBody } from './body.ts';
import { IngestError, refusalOf } from './errors.ts';
import { idempotencyKeyHeader, idempotencyKeyOf } from './idempotency-key.ts';
import type { IngestOptions } from './options.ts';
import type { Declared, IngestLog, IngestMetrics, Intake } from './receiver.ts';

export interface IntakeDeps {
  readonly storage: Storage;
  readonly metrics: IngestMetrics;
  readonly log: IngestLog;
}

/** The way of one request: tenant → permit → body → native append → receipt. */
export class RequestIntake implements Intake {
  readonly #options: IngestOptions;
  readonly #deps: IntakeDeps;
  readonly #admission: Admission;

  constructor(options: IngestOptions, deps: IntakeDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#admission = new Admission({
      maxBytes: options.inFlightMaxBytes,
      tenantMaxBytes: options.tenantInFlightMaxBytes,
    });
  }

  get inFlightBytes(): number {
    return this.#admission.inFlightBytes;
  }

  get retryAfterSeconds(): number {
    return this.#options.retryAfterSeconds;
  }

  get log(): IngestLog {
    return this.#deps.log;
  }

  tenantOf(header: string | readonly string[] | undefined): TenantId {
    const text = typeof header === 'string' ? header : (header?.[0] ?? '');
    if (text !== '') return parseTenant(text);
    if (this.#options.tenantDefault === null) throw new IngestError('TENANT_MISSING', 'no org id');
    return this.#options.tenantDefault;
  }

  async http(receiver: string, request: FastifyRequest, declared: Declared): Promise<Receipt> {
    return await this.#counted(receiver, async () => {
      const tenant = this.tenantOf(request.headers['x-scope-orgid']);
      return await this.#permitted(tenant, async (permit) => {
        const maxBytes = this.#options.bodyMaxBytes;
        const body = await readBody(request.raw, declaredBytes(request), maxBytes, permit);
        const idempotencyKey = idempotencyKeyOf(request.headers[idempotencyKeyHeader]);
        return await this.#append(receiver, tenant, body, { ...declared, idempotencyKey });
      });
    });
  }

  async message(receiver: string, tenant: TenantId, body: Uint8Array, declared: Declared): Promise<Receipt> {
    return await this.#counted(receiver, async () => {
      return await this.#permitted(tenant, async (permit) => {
        permit.reserve(body.length);
        return await this.#append(receiver, tenant, body, declared);
      });
    });
  }

  async #append(receiver: string, tenant: TenantId, body: Uint8Array, declared: Declared): Promise<Receipt> {
    const receipt = await this.#withinTime(this.#deps.storage.append({ tenant, body, ...declared }));
    this.#deps.metrics.accepted(receiver, receipt.accepted, body.length);
    for (const { reason, count } of receipt.refused)
      this.#deps.metrics.refusedRecords(receiver, reason, count);
    return receipt;
  }

  async #withinTime(append: Promise<Receipt>): Promise<Receipt> {
    const timeoutMs = this.#options.appendTimeoutMs;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(
          new IngestError(
            'APPEND_TIMEOUT',
            `not durable within ingest.append_timeout_ms = ${timeoutMs}; it may still become so, send again`,
          ),
        );
      }, timeoutMs);
    });
    try {
      return await Promise.race([append, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #permitted<T>(tenant: TenantId, work: (permit: Permit) => Promise<T>): Promise<T> {
    const permit = this.#admission.enter(tenant);
    try {
      return await work(permit);
    } finally {
      permit.release();
    }
  }

  async #counted(receiver: string, work: () => Promise<Receipt>): Promise<Receipt> {
    try {
      return await work();
    } catch (thrown) {
      const { code } = refusalOf(thrown);
      this.#deps.metrics.refusedRequest(receiver, code);
      if (code === 'INTERNAL') this.#deps.log.error({ receiver, err: thrown }, 'request failed');
      throw thrown;
    }
  }
}

function declaredBytes(request: FastifyRequest): number | undefined {
  const header = request.headers['content-length'];
  return header === undefined ? undefined : Number(header);
}
