import type { AttributeScope, Field, Intrinsic } from '../plan/generated.ts';

/** Intrinsic fields by the name that queries use; both forms of those that have two. */
export const intrinsics: ReadonlyMap<string, Intrinsic> = new Map([
  ['duration', 'duration'],
  ['name', 'name'],
  ['kind', 'kind'],
  ['status', 'status'],
  ['statusMessage', 'statusMessage'],
  ['nestedSetLeft', 'nestedSetLeft'],
  ['nestedSetRight', 'nestedSetRight'],
  ['nestedSetParent', 'nestedSetParent'],
  ['traceDuration', 'traceDuration'],
  ['rootName', 'rootName'],
  ['rootServiceName', 'rootServiceName'],
  ['span:duration', 'duration'],
  ['span:name', 'name'],
  ['span:kind', 'kind'],
  ['span:status', 'status'],
  ['span:statusMessage', 'statusMessage'],
  ['span:id', 'spanId'],
  ['span:parentID', 'parentId'],
  ['span:childCount', 'childCount'],
  ['trace:id', 'traceId'],
  ['trace:duration', 'traceDuration'],
  ['trace:rootName', 'rootName'],
  ['trace:rootService', 'rootServiceName'],
  ['event:name', 'eventName'],
  ['event:timeSinceStart', 'eventTimeSinceStart'],
  ['link:traceID', 'linkTraceId'],
  ['link:spanID', 'linkSpanId'],
  ['instrumentation:name', 'instrumentationName'],
  ['instrumentation:version', 'instrumentationVersion'],
]);

const shownAs: Readonly<Record<Intrinsic, string>> = {
  duration: 'duration',
  name: 'name',
  kind: 'kind',
  status: 'status',
  statusMessage: 'statusMessage',
  childCount: 'span:childCount',
  nestedSetLeft: 'nestedSetLeft',
  nestedSetRight: 'nestedSetRight',
  nestedSetParent: 'nestedSetParent',
  traceDuration: 'traceDuration',
  rootName: 'rootName',
  rootServiceName: 'rootServiceName',
  spanId: 'span:id',
  parentId: 'span:parentID',
  traceId: 'trace:id',
  eventName: 'event:name',
  eventTimeSinceStart: 'event:timeSinceStart',
  linkTraceId: 'link:traceID',
  linkSpanId: 'link:spanID',
  instrumentationName: 'instrumentation:name',
  instrumentationVersion: 'instrumentation:version',
};

const scopes: readonly AttributeScope[] = ['resource', 'span', 'event', 'link', 'instrumentation'];

/**
 * An attribute as it is written: `.x`, `span.x`, `parent.resource."x y"`. `null` when no name stands
 * after the scope.
 */
export function readAttribute(written: string): Field | null {
  const parent = written.startsWith('parent.');
  const scoped = parent ? written.slice('parent.'.length) : written;
  const scope = scopes.find((candidate) => scoped.startsWith(`${candidate}.`)) ?? null;
  let rest = scoped;
  if (scope !== null) rest = scoped.slice(scope.length + 1);
  else if (!parent) rest = scoped.slice(1);
  const name = rest.replaceAll(/"((?:[^"\\]|\\["\\])*)"/g, (_, quoted: string) =>
    quoted.replaceAll(/\\(["\\])/g, '$1'),
  );
  return name === '' ? null : { kind: 'attribute', scope, name, parent };
}

/** A field as Tempo shows it: `resource.service.name`, `.x`, `name`. */
export function showField(field: Field): string {
  if (field.kind === 'intrinsic') return shownAs[field.name];
  const name = /[\s{}()=~!<>&|^,"]/.test(field.name) ? JSON.stringify(field.name) : field.name;
  const parent = field.parent ? 'parent.' : '';
  if (field.scope !== null) return `${parent}${field.scope}.${name}`;
  return field.parent ? `${parent}${name}` : `.${name}`;
}
