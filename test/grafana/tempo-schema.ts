/** What a message may hold: its fields, each with the message it is, or null for a plain value. */
interface Message {
  readonly [field: string]: Message | MapOf | null;
}
interface MapOf {
  readonly mapOf: Message;
}

const attribute: Message = {
  key: null,
  value: { stringValue: null, intValue: null, doubleValue: null, boolValue: null },
};
const span: Message = {
  spanID: null,
  name: null,
  startTimeUnixNano: null,
  durationNanos: null,
  attributes: attribute,
};
const spanSet: Message = { spans: span, matched: null, attributes: attribute };

/** `tempopb.SearchResponse` as the plugin's schema has it. */
const searchResponse: Message = {
  traces: {
    traceID: null,
    rootServiceName: null,
    rootTraceName: null,
    startTimeUnixNano: null,
    durationMs: null,
    spanSet,
    spanSets: spanSet,
    serviceStats: { mapOf: { spanCount: null, errorCount: null } },
  },
  metrics: {
    inspectedTraces: null,
    inspectedBytes: null,
    totalBlocks: null,
    completedJobs: null,
    totalJobs: null,
    totalBlockBytes: null,
    inspectedSpans: null,
  },
};

/** Paths of fields of a search's answer that Grafana's strict decoder does not know. */
export function unknownFields(answer: unknown): string[] {
  return unknownIn(answer, searchResponse, '');
}

function unknownIn(value: unknown, schema: Message | MapOf | null, path: string): string[] {
  if (schema === null || typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((entry) => unknownIn(entry, schema, path));
  return Object.entries(value).flatMap(([name, field]) => {
    if (isMap(schema)) return unknownIn(field, schema.mapOf, `${path}.*`);
    const known = schema[name];
    return known === undefined ? [`${path}.${name}`] : unknownIn(field, known, `${path}.${name}`);
  });
}

function isMap(schema: Message | MapOf): schema is MapOf {
  return 'mapOf' in schema;
}
