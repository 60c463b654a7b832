import { vi } from 'vitest';
import { getJson, type Varve } from './varve.ts';

/** A span as the Tempo API gives it back, with the resource and scope that it stands under. */
export interface FoundSpan {
  readonly spanId: string;
  readonly resource: Attributes;
  readonly scope: { readonly name?: string; readonly version?: string };
  readonly attributes: Attributes;
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[];
  readonly span: Span;
}

type Attributes = Readonly<Record<string, unknown>>;
type Values = readonly { readonly key: string; readonly value: object }[];

interface Span {
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind?: string;
  readonly status?: { readonly code?: string; readonly message?: string };
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: Values;
  readonly events?: readonly { readonly name: string; readonly attributes?: Values }[];
}

interface Trace {
  readonly batches: readonly {
    readonly resource: { readonly attributes: Values };
    readonly scopeSpans: readonly { readonly scope: FoundSpan['scope']; readonly spans: readonly Span[] }[];
  }[];
}

/** The spans of a trace, once there are as many as wanted; ids are in hex. */
export async function awaitSpans({ ports }: Varve, traceId: string, wanted: number): Promise<FoundSpan[]> {
  return await vi.waitFor(
    async () => {
      const { batches } = (await getJson(ports.tempo, `/api/traces/${traceId}`)) as Trace;
      const found = batches.flatMap(({ resource, scopeSpans }) =>
        scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => foundSpan(resource, scope, span))),
      );
      if (found.length < wanted) throw new Error(`${found.length} spans of ${wanted}`);
      return found;
    },
    { timeout: 20_000, interval: 50 },
  );
}

function foundSpan(resource: { attributes: Values }, scope: FoundSpan['scope'], span: Span): FoundSpan {
  const { parentSpanId } = span;
  return {
    spanId: hexOf(span.spanId),
    resource: valuesOf(resource.attributes),
    scope,
    attributes: valuesOf(span.attributes),
    events: (span.events ?? []).map(({ name, attributes }) => ({ name, attributes: valuesOf(attributes) })),
    span: parentSpanId === undefined ? span : { ...span, parentSpanId: hexOf(parentSpanId) },
  };
}

/** By their names, without the wrapper that tells the type: integers are strings in this JSON. */
function valuesOf(attributes: Values = []): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0] as unknown]));
}

function hexOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}
