import { compareLabel, compareNumbers, compareTexts } from './compare.ts';
import type { Filter, LogQuery, Matcher, Metric, SampleFunction, Stage, Window } from './syntax.ts';

/** An entry as it was sent. */
export interface Entry {
  readonly timeSeconds: number;
  readonly stream: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly line: string;
}

/** An entry as a log query gives it back. */
export interface Row {
  readonly timeSeconds: number;
  readonly line: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A value of one series at one step. */
export interface Point {
  readonly labels: Readonly<Record<string, string>>;
  readonly timeSeconds: number;
  readonly value: number;
}

/** A metric query met a row that a stage failed on. */
export const pipelineError = 'pipeline error';

/**
 * LogQL as its documentation tells it, one entry after the other and nothing kept: slow, and short enough
 * to be seen to be right.
 */
export function rowsOf(entries: readonly Entry[], query: LogQuery): Row[] {
  return entries.flatMap((entry) => {
    if (!query.matchers.every((matcher) => matches(matcher, entry.stream))) return [];
    const row = new ModelRow(entry);
    return query.stages.every((stage) => row.run(stage)) ? [row.shown()] : [];
  });
}

export function pointsOf(
  entries: readonly Entry[],
  metric: Metric,
  steps: readonly number[],
): Point[] | typeof pipelineError {
  switch (metric.kind) {
    case 'window':
      return windowPoints(entries, metric, steps);
    case 'aggregate': {
      const countsAll = metric.op === 'sum' && metric.grouping === null;
      const points = windowPoints(entries, countsAll ? withoutUnread(metric.input) : metric.input, steps);
      if (points === pipelineError) return points;
      const { without, labels } = metric.grouping ?? { without: false, labels: [] };
      const groups = grouped(points, (point) => [
        point.timeSeconds,
        only(point.labels, (name) => labels.includes(name) !== without),
      ]);
      return groups.map(([[timeSeconds, kept], members]) => ({
        labels: kept,
        timeSeconds,
        value: aggregated(
          metric.op,
          members.map(({ value }) => value),
        ),
      }));
    }
    case 'withNumber': {
      const points = pointsOf(entries, metric.input, steps);
      if (points === pipelineError) return points;
      const { op, number } = metric;
      switch (op) {
        case '+':
          return points.map((point) => ({ ...point, value: point.value + number }));
        case '*':
          return points.map((point) => ({ ...point, value: point.value * number }));
        case '>':
          return points.filter(({ value }) => value > number);
        case '<=':
          return points.filter(({ value }) => value <= number);
      }
    }
  }
}

/** Where lines are counted all together and no stage asks for a label, none is read, nor an error met. */
function withoutUnread(window: Window): Window {
  const { log, of } = window;
  const countsBytes = of.function === 'bytes_over_time' || of.function === 'bytes_rate';
  const readsLabels = log.stages.some(
    ({ kind }) => kind === 'filter' || kind === 'rename' || (kind === 'lineFormat' && countsBytes),
  );
  if ('unwrap' in of || readsLabels) return window;
  return { ...window, log: { ...log, stages: log.stages.filter(({ kind }) => kind === 'line') } };
}

function windowPoints(
  entries: readonly Entry[],
  { log, rangeSeconds, offsetSeconds, of }: Window,
  steps: readonly number[],
): Point[] | typeof pipelineError {
  const isCounted = ({ timeSeconds }: { timeSeconds: number }, step: number) =>
    timeSeconds > step - offsetSeconds - rangeSeconds && timeSeconds <= step - offsetSeconds;
  const rows = rowsOf(entries, log).filter((row) => steps.some((step) => isCounted(row, step)));
  const samples = 'unwrap' in of ? rows.flatMap((row) => unwrapped(row, of)) : rows.map(counted);
  if (samples.some(({ labels }) => '__error__' in labels)) return pipelineError;
  return steps.flatMap((step) => {
    const inside = samples.filter((sample) => isCounted(sample, step));
    const series = grouped(inside, ({ labels }): [number, Readonly<Record<string, string>>] => [
      step,
      labels,
    ]);
    return series.map(([[timeSeconds, labels], members]) => ({
      labels,
      timeSeconds,
      value: windowValue(of.function, members, rangeSeconds),
    }));
  });
}

interface Sample {
  readonly timeSeconds: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly lineBytes: number;
}

function counted({ timeSeconds, labels, line }: Row): Sample {
  return { timeSeconds, labels, value: 1, lineBytes: Buffer.byteLength(line) };
}

function unwrapped(row: Row, of: { readonly unwrap: string; readonly skipsErrors: boolean }): Sample[] {
  const text = row.labels[of.unwrap] ?? '';
  if (text === '') return [];
  const value = Number(text);
  const labels = only(row.labels, (name) => name !== of.unwrap);
  if (Number.isNaN(value)) labels['__error__'] = 'SampleExtractionErr';
  if (of.skipsErrors && '__error__' in labels) return [];
  return [{ ...counted(row), labels, value }];
}

function windowValue(
  name: Window['of']['function'],
  samples: readonly Sample[],
  rangeSeconds: number,
): number {
  const bytes = sum(samples.map(({ lineBytes }) => lineBytes));
  switch (name) {
    case 'count_over_time':
      return samples.length;
    case 'rate':
      return samples.length / rangeSeconds;
    case 'bytes_over_time':
      return bytes;
    case 'bytes_rate':
      return bytes / rangeSeconds;
    case 'sum_over_time':
    case 'avg_over_time':
    case 'min_over_time':
    case 'max_over_time':
    case 'first_over_time':
    case 'last_over_time':
    case 'stdvar_over_time':
      return sampleValue(name, samples);
  }
}

function sampleValue(name: SampleFunction, samples: readonly Sample[]): number {
  const inOrder = samples.toSorted((a, b) => a.timeSeconds - b.timeSeconds);
  const values = inOrder.map(({ value }) => value);
  const mean = sum(values) / values.length;
  switch (name) {
    case 'sum_over_time':
      return sum(values);
    case 'avg_over_time':
      return mean;
    case 'min_over_time':
      return Math.min(...values);
    case 'max_over_time':
      return Math.max(...values);
    case 'first_over_time':
      return values.at(0) ?? Number.NaN;
    case 'last_over_time':
      return values.at(-1) ?? Number.NaN;
    case 'stdvar_over_time':
      return sum(values.map((value) => (value - mean) ** 2)) / values.length;
  }
}

function aggregated(op: 'sum' | 'avg' | 'min' | 'max' | 'count', values: readonly number[]): number {
  switch (op) {
    case 'sum':
      return sum(values);
    case 'avg':
      return sum(values) / values.length;
    case 'min':
      return Math.min(...values);
    case 'max':
      return Math.max(...values);
    case 'count':
      return values.length;
  }
}

/** One entry on its way through a pipeline. */
class ModelRow {
  readonly #entry: Entry;
  readonly #labels: Map<string, string>;
  /** Names that were read from the line or written: the first that is read counts. */
  readonly #settled = new Set<string>();
  #line: string;

  constructor(entry: Entry) {
    this.#entry = entry;
    this.#labels = new Map(Object.entries({ ...entry.metadata, ...entry.stream }));
    this.#line = entry.line;
  }

  shown(): Row {
    const labels = Object.fromEntries([...this.#labels].filter(([, value]) => value !== ''));
    return { timeSeconds: this.#entry.timeSeconds, line: this.#line, labels };
  }

  /** Whether the entry stays. */
  run(stage: Stage): boolean {
    switch (stage.kind) {
      case 'line':
        return this.#keepsLine(stage);
      case 'json':
        this.#json();
        return true;
      case 'logfmt':
        this.#logfmt();
        return true;
      case 'jsonPath':
        this.#jsonPath(stage);
        return true;
      case 'filter':
        return this.#keeps(stage.filter);
      case 'rename': {
        const value = this.#labels.get(stage.from);
        if (value === undefined) return true;
        this.#labels.delete(stage.from);
        this.#set(stage.to, value);
        return true;
      }
      case 'lineFormat':
        this.#line = stage.labels.map((name) => this.#labels.get(name) ?? '').join('-');
        return true;
      case 'drop':
        for (const name of stage.names) this.#labels.delete(name);
        return true;
      case 'keep':
        for (const name of [...this.#labels.keys()]) {
          if (!stage.names.includes(name) && !name.startsWith('__error')) this.#labels.delete(name);
        }
        return true;
    }
  }

  #keepsLine({ op, texts }: { readonly op: string; readonly texts: readonly string[] }): boolean {
    const isRegex = op.endsWith('~');
    const holds = texts.some((text) =>
      isRegex ? new RegExp(text).test(this.#line) : this.#line.includes(text),
    );
    return holds !== op.startsWith('!');
  }

  #json(): void {
    const value = parsed(this.#line);
    if (value === undefined) this.#labels.set('__error__', 'JSONParserErr');
    else this.#flatten(value, '');
  }

  #flatten(value: object, prefix: string): void {
    for (const [key, member] of Object.entries(value) as [string, unknown][]) {
      const name = `${prefix}${key.replaceAll(/[^a-zA-Z0-9_]/g, '_')}`;
      if (member === null || Array.isArray(member)) continue;
      if (typeof member === 'object') this.#flatten(member, `${name}_`);
      else this.#extract(name, shownValue(member));
    }
  }

  #jsonPath({ label, path }: { readonly label: string; readonly path: readonly string[] }): void {
    const whole: unknown = parsed(this.#line);
    if (whole === undefined) {
      this.#labels.set('__error__', 'JSONParserErr');
      return;
    }
    let value: unknown = whole;
    for (const key of path) {
      value =
        typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
    }
    if (value !== undefined)
      this.#extract(label, value === null ? '' : shownValue(value), { replaces: true });
    else if (!this.#labels.has(label)) this.#set(label, '');
  }

  #logfmt(): void {
    for (const [, key = '', quoted, plain] of this.#line.matchAll(/(\w+)=(?:"([^"]*)"|(\S*))/g)) {
      const value = quoted ?? plain ?? '';
      if (value !== '') this.#extract(key, value);
    }
  }

  #extract(name: string, value: string, { replaces } = { replaces: false }): void {
    const { stream, metadata } = this.#entry;
    const isTaken = name in stream || (name in metadata && this.#labels.get(name) === metadata[name]);
    const free = isTaken ? `${name}_extracted` : name;
    if (replaces || !this.#settled.has(free)) this.#set(free, value);
  }

  #set(name: string, value: string): void {
    this.#labels.set(name, value);
    this.#settled.add(name);
  }

  #keeps(filter: Filter): boolean {
    switch (filter.kind) {
      case 'and': {
        const left = this.#keeps(filter.left);
        return this.#keeps(filter.right) && left;
      }
      case 'or':
        return this.#keeps(filter.left) || this.#keeps(filter.right);
      case 'text':
        return compareLabel(filter.op, this.#labels.get(filter.name) ?? '', filter.value);
      case 'number': {
        const text = this.#labels.get(filter.name);
        if (text === undefined) return false;
        const value = text === '' ? Number.NaN : Number(text);
        if (Number.isNaN(value)) {
          if (!this.#labels.has('__error__')) this.#labels.set('__error__', 'LabelFilterErr');
          return true;
        }
        return compareNumbers(filter.op, value, filter.value);
      }
    }
  }
}

/** Of JSON, as it is written. */
function shownValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function parsed(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function matches({ name, op, value }: Matcher, labels: Readonly<Record<string, string>>): boolean {
  return compareTexts(op, labels[name] ?? '', value);
}

function only(
  labels: Readonly<Record<string, string>>,
  isKept: (name: string) => boolean,
): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => isKept(name)));
}

type Key = readonly [number, Readonly<Record<string, string>>];

function grouped<T>(items: readonly T[], keyOf: (item: T) => Key): [Key, T[]][] {
  const groups = new Map<string, [Key, T[]]>();
  for (const item of items) {
    const key = keyOf(item);
    const text = JSON.stringify([key[0], Object.entries(key[1]).toSorted()]);
    const group = groups.get(text);
    if (group === undefined) groups.set(text, [key, [item]]);
    else group[1].push(item);
  }
  return [...groups.values()];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
