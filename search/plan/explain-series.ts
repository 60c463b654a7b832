import { explainLogRows, labelFilter, matchers, seconds } from './explain-rows.ts';
import type { Grouping, Matching, Nanos, SampleSelect, SeriesExpr, Unwrap } from './generated.ts';

/** A series expression, much as PromQL writes it, with everything that was left out. */
export function explainSeries(expr: SeriesExpr): string {
  switch (expr.node) {
    case 'number':
      return expr.value;
    case 'text':
      return JSON.stringify(expr.value);
    case 'selector':
      return `${explainSelect(expr.select)} lookback ${seconds(expr.lookback)}`;
    case 'window':
      return call(expr.function, expr.args, explainSelect(expr.select, expr.range));
    case 'subquery': {
      const window = `[${seconds(expr.range)}:${seconds(expr.step)}]${moved(expr.offset, expr.at)}`;
      return call(expr.function, expr.args, `(${explainSeries(expr.input)})${window}`);
    }
    case 'logWindow': {
      const window = `[${seconds(expr.range)}]${moved(expr.offset, null)}`;
      const param = expr.param === null ? '' : `${expr.param}, `;
      const rows = `${explainLogRows(expr.input)}${unwrap(expr.unwrap)}`;
      return `${expr.function}(${param}${rows} ${window})${grouping(expr.grouping)}`;
    }
    case 'aggregate': {
      const param = expr.param === null ? '' : `${explainSeries(expr.param)}, `;
      return `${expr.op}${grouping(expr.grouping)}(${param}${explainSeries(expr.input)})`;
    }
    case 'binary': {
      const op = `${expr.op}${expr.returnBool ? ' bool' : ''}${matching(expr.matching)}`;
      return `(${explainSeries(expr.left)} ${op} ${explainSeries(expr.right)})`;
    }
    case 'negate':
      return `-${explainSeries(expr.input)}`;
    case 'call':
      return call(expr.function, expr.args);
    case 'labelReplace': {
      const texts = [expr.to, expr.replacement, expr.from, expr.regex].map((text) => JSON.stringify(text));
      return `label_replace(${explainSeries(expr.input)}, ${texts.join(', ')})`;
    }
    case 'labelJoin': {
      const texts = [expr.to, expr.separator, ...expr.from].map((text) => JSON.stringify(text));
      return `label_join(${explainSeries(expr.input)}, ${texts.join(', ')})`;
    }
    case 'info':
      return `info(${explainSeries(expr.input)}, ${explainSelect(expr.select)} lookback ${seconds(expr.lookback)})`;
    case 'absent': {
      const labels = expr.labels.map(({ name, value }) => `${name}=${JSON.stringify(value)}`);
      return `absent(${explainSeries(expr.input)}) {${labels.join(',')}}`;
    }
  }
}

function call(name: string, args: readonly SeriesExpr[], ...first: readonly string[]): string {
  return `${name}(${[...first, ...args.map(explainSeries)].join(', ')})`;
}

/** A selector with its window and modifiers. */
export function explainSelect(of: SampleSelect, range?: Nanos): string {
  const window = range === undefined ? '' : `[${seconds(range)}]`;
  const { extension } = of;
  const edges = extension === null ? '' : ` ${extension.edges} within ${seconds(extension.reach)}`;
  return `${matchers(of.matchers)}${window}${edges}${moved(of.offset, of.at)}`;
}

function unwrap(of: Unwrap | null): string {
  if (of === null) return '';
  const label = { plain: of.label, seconds: `duration(${of.label})`, bytes: `bytes(${of.label})` }[of.unit];
  return [` | unwrap ${label}`, ...of.filters.map(labelFilter)].join(' | ');
}

function moved(offset: Nanos, at: Nanos | null): string {
  return `${at === null ? '' : ` @ ${seconds(at)}`}${offset === '0' ? '' : ` offset ${seconds(offset)}`}`;
}

function grouping(of: Grouping | null): string {
  return of === null ? '' : ` ${of.without ? 'without' : 'by'} (${of.labels.join(', ')}) `;
}

function matching(of: Matching | null): string {
  if (of === null) return '';
  const labels = `${of.on ? 'on' : 'ignoring'} (${of.labels.join(', ')})`;
  const include = of.include.length === 0 ? '' : ` include (${of.include.join(', ')})`;
  const fill = (['fillLeft', 'fillRight'] as const).map((side) =>
    of[side] === undefined ? '' : ` ${side} ${of[side]}`,
  );
  return ` ${labels} ${of.cardinality}${include}${fill.join('')}`;
}
