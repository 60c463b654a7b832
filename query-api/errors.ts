/** Why a request was refused before anything was run; each API has its own status for each. */
export type RefusalKind = 'badParameter' | 'tenantMissing' | 'notFound' | 'notAcceptable' | 'notSupported';

/** A request that an API refuses; the message is the peer's where it has one. */
export class Refused extends Error {
  readonly kind: RefusalKind;

  constructor(kind: RefusalKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Refused';
    this.kind = kind;
  }
}

/** A parameter that cannot be read or is out of its bounds. */
export function badParameter(message: string): Refused {
  return new Refused('badParameter', message);
}

/** The peer answers this and Varve does not yet; said aloud instead of with an empty result. */
export function notSupported(what: string): Refused {
  return new Refused('notSupported', `${what} not supported by this version of Varve`);
}

/** What is said of a fault of ours; the log has the rest. */
export const faultText = "internal error; Varve's log tells more";

/** The status that fastify's own refusals carry (body too large, malformed headers), if it is one of a client's faults. */
export function clientFaultStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : undefined;
}
