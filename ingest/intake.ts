import type { FastifyRequest } from 'fastify';
import { parseTenant, type Receipt, type Storage, type TenantId } from '../storage/index.ts';
import { Admission, type Permit } from './admission.ts';
import { bodyTooLarge, readBody } from './body.ts';
import { BodyBuffers } from './body-buffers.ts';
import { IngestError, refusalOf } from './errors.ts';
import { idempotencyKeyHeader, idempotencyKeyOf } from './idempotency-key.ts';
import { type IngestOptions, limitsOf } from './options.ts';
import { RateLimiter } from './rate.ts';
import type {
  Authenticate,
  Declared,
  DeclaredHttp,
  IngestLog,
  IngestMetrics,
  Intake,
  SenderHeaders,
} from './receiver.ts';

export interface IntakeDeps {
  readonly storage: Storage;
  readonly metrics: IngestMetrics;
  readonly log: IngestLog;
  /** Absent where nobody is asked who they are. */
  readonly authenticate?: Authenticate | undefined;
}

const codeOfRefusal = {
  unauthenticated: 'UNAUTHENTICATED',
  forbidden: 'FORBIDDEN',
  busy: 'OVERLOADED',
} as const;

/** Memory that lies ready for bodies while none are in flight. */
const keptBuffersMaxBytes = 32 * 1024 * 1024;

const warnEveryMs = 60_000;
const warnedTenantsMax = 10_000;

/** Who sends, for metrics and the log; the tenant once it is known. */
interface Sender {
  readonly receiver: string;
  tenant?: string;
}

/** A request that was read, of a tenant. */
type Append = Declared & { readonly tenant: TenantId; readonly body: Uint8Array };

/** The way of one request: tenant → permit → body → native append → receipt. */
export class RequestIntake implements Intake {
  readonly #options: IngestOptions;
  readonly #deps: IntakeDeps;
  readonly #admission: Admission;
  readonly #rates: RateLimiter;
  readonly #buffers = new BodyBuffers(keptBuffersMaxBytes);
  /** When each tenant's owner was last told of a limit near, so that the log is not filled with it. */
  readonly #warnedMs = new Map<string, number>();

  constructor(options: IngestOptions, deps: IntakeDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#admission = new Admission({
      maxBytes: options.inFlightMaxBytes,
      tenantMaxBytes: (tenant) => limitsOf(options, tenant).inFlightMaxBytes,
    });
    this.#rates = new RateLimiter(options, () => performance.now());
  }

  get inFlightBytes(): number {
    return this.#admission.inFlightBytes;
  }

  get retryAfterSeconds(): number {
    return this.#options.retryAfterSeconds;
  }

  get corsOrigins(): readonly string[] {
    return this.#options.corsOrigins;
  }

  get log(): IngestLog {
    return this.#deps.log;
  }

  async tenantOf(headers: SenderHeaders): Promise<TenantId> {
    const header = headers['x-scope-orgid'];
    const named = typeof header === 'string' ? header : (header?.[0] ?? '');
    if (named.includes('|')) {
      throw new IngestError(
        'TENANT_INVALID',
        `X-Scope-OrgID names several tenants ('${named.slice(0, 200)}'); a write is for one`,
      );
    }
    const text = await this.#admitted(headers.authorization ?? '', named);
    if (text !== '') return parseTenant(text);
    if (this.#options.tenantDefault === null) throw new IngestError('TENANT_MISSING', 'no org id');
    return this.#options.tenantDefault;
  }

  async #admitted(authorization: string, orgId: string): Promise<string> {
    const verdict = await this.#deps.authenticate?.({ authorization, orgId, scope: 'write' });
    if (verdict === undefined) return orgId;
    if ('orgId' in verdict) return verdict.orgId;
    throw new IngestError(codeOfRefusal[verdict.refused], verdict.message);
  }

  async http(
    receiver: string,
    request: FastifyRequest,
    { unwrap, ...declared }: DeclaredHttp,
  ): Promise<Receipt> {
    const sender: Sender = { receiver };
    return await this.#counted(sender, async () => {
      const tenant = await this.tenantOf(request.headers);
      sender.tenant = tenant;
      return await this.#permitted(tenant, async (permit) => {
        const { bodyMaxBytes: maxBytes } = limitsOf(this.#options, tenant);
        const room = { declaredBytes: declaredBytes(request), maxBytes, permit, buffers: this.#buffers };
        const body = await readBody(request.raw, room);
        const idempotencyKey = idempotencyKeyOf(request.headers[idempotencyKeyHeader]);
        const { body: records, encoding } = unwrap?.(body) ?? { body, encoding: declared.encoding };
        const append = { tenant, body: records, ...declared, encoding, idempotencyKey };
        return await this.#append(receiver, append, permit);
      });
    });
  }

  async message(receiver: string, tenant: TenantId, body: Uint8Array, declared: Declared): Promise<Receipt> {
    return await this.#counted({ receiver, tenant }, async () => {
      return await this.#permitted(tenant, async (permit) => {
        const { bodyMaxBytes } = limitsOf(this.#options, tenant);
        if (body.length > bodyMaxBytes) throw bodyTooLarge(bodyMaxBytes);
        permit.reserve(body.length);
        return await this.#append(receiver, { tenant, body, ...declared }, permit);
      });
    });
  }

  async #append(receiver: string, request: Append, permit: Permit): Promise<Receipt> {
    const { tenant, body } = request;
    // The body as sent is paid at once, so that requests side by side do not all find the rate unused.
    this.#rates.pay(tenant, { bytes: body.length, records: 0 });
    const append = this.#deps.storage.append(request);
    permit.readUntil(append);
    const receipt = await this.#withinTime(append);
    this.#rates.pay(tenant, { bytes: receipt.bodyBytes - body.length, records: receipt.accepted });
    this.#deps.metrics.accepted(receiver, receipt.accepted, body.length);
    for (const { reason, count: records } of receipt.refused)
      this.#deps.metrics.refusedRecords({ receiver, tenant, reason, records });
    if (receipt.warnings.length > 0) this.#warn(tenant, receipt.warnings);
    return receipt;
  }

  #warn(tenant: TenantId, warnings: readonly string[]): void {
    this.#deps.metrics.nearLimit(tenant);
    const nowMs = performance.now();
    if (nowMs - (this.#warnedMs.get(tenant) ?? -warnEveryMs) < warnEveryMs) return;
    if (this.#warnedMs.size >= warnedTenantsMax) this.#warnedMs.clear();
    this.#warnedMs.set(tenant, nowMs);
    this.#deps.log.warn({ tenant, warnings }, 'tenant comes near to a limit');
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
    this.#rates.check(tenant);
    this.#deps.storage.checkRoom();
    const permit = this.#admission.enter(tenant);
    try {
      return await work(permit);
    } finally {
      permit.release();
    }
  }

  async #counted(sender: Sender, work: () => Promise<Receipt>): Promise<Receipt> {
    try {
      return await work();
    } catch (thrown) {
      const { code } = refusalOf(thrown);
      this.#deps.metrics.refusedRequest({ ...sender, code });
      if (code === 'INTERNAL') this.#deps.log.error({ ...sender, err: thrown }, 'request failed');
      throw thrown;
    }
  }
}

function declaredBytes(request: FastifyRequest): number | undefined {
  const header = request.headers['content-length'];
  return header === undefined ? undefined : Number(header);
}
