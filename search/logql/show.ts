import type { Extraction, Grouping, LabelMatcher, LabelPick, Matching } from '../plan/generated.ts';
import { showGoDuration, showPrometheusDuration } from '../text/duration.ts';
import { quote } from '../text/string.ts';
import type {
  BinaryExpr,
  LabelFilter,
  LabelFormat,
  LinePattern,
  LogExpr,
  LogqlExpr,
  LogRange,
  LogStage,
  Unwrap,
} from './syntax.ts';
import { wordsOf } from './words-pattern.ts';

/** A query on one line, as Loki writes it; reading it again gives the same query. */
export function showLogql(expr: LogqlExpr): string {
  switch (expr.kind) {
    case 'log':
      return showLog(expr);
    case 'rangeAggregation': {
      const param = expr.param === null ? '' : `${expr.param},`;
      return `${expr.op}(${param}${showRange(expr.input)})${showGrouping(expr.grouping)}`;
    }
    case 'vectorAggregation': {
      const param = expr.param === null ? '' : `${expr.param},`;
      // `by ()` says what having no grouping says, and Loki leaves it out.
      const grouping = keepsNoLabel(expr.grouping) ? '' : showGrouping(expr.grouping);
      return `${expr.op}${grouping}(${param}${showLogql(expr.input)})`;
    }
    case 'binary':
      return `(${showLogql(expr.left)} ${showOperator(expr)} ${showLogql(expr.right)})`;
    case 'labelReplace': {
      const texts = [expr.to, expr.replacement, expr.from, expr.regex].map(quote);
      return `label_replace(${[showLogql(expr.input), ...texts].join(',')})`;
    }
    case 'literal':
      return showLiteral(expr.value);
    case 'vector':
      return `vector(${Number.isFinite(expr.value) ? expr.value.toFixed(6) : showLiteral(expr.value)})`;
  }
}

function showLog({ matchers, stages }: LogExpr): string {
  return [showMatchers(matchers), ...stages.map(showStage)].join(' ');
}

/** `{app="a", env!="b"}` */
export function showMatchers(matchers: readonly LabelMatcher[]): string {
  return `{${matchers.map(showMatcher).join(', ')}}`;
}

function showMatcher({ name, op, value }: LabelMatcher): string {
  return `${name}${op}${quote(value)}`;
}

/** One stage with its bar, or a line filter. */
export function showStage(stage: LogStage): string {
  switch (stage.kind) {
    case 'lineFilter':
      // None of several is not this and not that.
      return `${stage.op} ${stage.patterns.map(showPattern).join(stage.op.startsWith('!') ? ` ${stage.op} ` : ' or ')}`;
    case 'labelFilter':
      return `| ${showFilter(stage.filter)}`;
    case 'json':
      return `| json${showExtractions(stage.expressions)}`;
    case 'logfmt': {
      const flags = `${stage.strict ? ' --strict' : ''}${stage.keepEmpty ? ' --keep-empty' : ''}`;
      return `| logfmt${flags}${showExtractions(stage.expressions)}`;
    }
    case 'regexp':
    case 'pattern':
      return `| ${stage.kind} ${quote(stage.expression)}`;
    case 'unpack':
    case 'decolorize':
      return `| ${stage.kind}`;
    case 'lineFormat':
      return `| line_format ${quote(stage.template)}`;
    case 'labelFormat':
      return `| label_format ${stage.formats.map(showFormat).join(',')}`;
    case 'drop':
    case 'keep':
      return `| ${stage.kind} ${stage.labels.map(showPick).join(',')}`;
  }
}

function showPattern({ text, ip }: LinePattern): string {
  return ip ? `ip(${quote(text)})` : quote(text);
}

function showExtractions(expressions: readonly Extraction[]): string {
  if (expressions.length === 0) return '';
  return ` ${expressions.map(({ label, path }) => `${label}=${quote(path)}`).join(',')}`;
}

function showFormat({ to, from }: LabelFormat): string {
  return `${to}=${from.kind === 'label' ? from.text : quote(from.text)}`;
}

function showPick({ name, matches }: LabelPick): string {
  return matches === null ? name : showMatcher({ name, ...matches });
}

/** A condition of a label filter, without its bar. */
function showFilter(filter: LabelFilter): string {
  switch (filter.kind) {
    case 'and':
      return `( ${showFilter(filter.left)} , ${showFilter(filter.right)} )`;
    case 'or':
      return `( ${showFilter(filter.left)} or ${showFilter(filter.right)} )`;
    case 'text':
      return showTextFilter(filter.matcher);
    case 'number': {
      const { name, op, unit, value } = filter;
      const quantities = { plain: showPlain, seconds: showSeconds, bytes: showBytes };
      return `${name}${op}${quantities[unit](value)}`;
    }
    case 'ip':
      return `${filter.name}${filter.op}ip(${quote(filter.range)})`;
  }
}

/** A pattern that Loki keeps as a regular expression is in backticks. */
function showTextFilter(matcher: LabelMatcher): string {
  const { name, op, value } = matcher;
  const isRegexp = op === '=~' && wordsOf(value) === undefined && !value.includes('`');
  return isRegexp ? `${name}${op}\`${value}\`` : showMatcher(matcher);
}

function showRange({ log, unwrap, range, offset }: LogRange): string {
  const unwrapped = unwrap === null ? '' : ` ${showUnwrap(unwrap).join(' ')}`;
  const moved = offset === 0n ? '' : ` offset ${showGoDuration(offset)}`;
  return `${showLog(log)}${unwrapped}[${showPrometheusDuration(range)}]${moved}`;
}

/** `| unwrap duration(x)` and the filters of what was unwrapped. */
export function showUnwrap({ label, conversion, filters }: Unwrap): string[] {
  const of = conversion === null ? label : `${conversion}(${label})`;
  return [`| unwrap ${of}`, ...filters.map((filter) => `| ${showFilter(filter)}`)];
}

function showGrouping(grouping: Grouping | null): string {
  if (grouping === null) return '';
  return ` ${grouping.without ? 'without' : 'by'} (${grouping.labels.join(',')})`;
}

/** Whether all series become one. */
export function keepsNoLabel(grouping: Grouping | null): boolean {
  return grouping === null || (grouping.labels.length === 0 && !grouping.without);
}

/**
 * An operator with `bool` and how its sides match. As Loki writes it, there is a blank behind the labels also where
 * no `group_left` follows, and what matches by all labels is not written, even with `group_left`.
 *
 * @param comma between labels
 */
export function showOperator({ op, returnBool, matching }: BinaryExpr, comma = ','): string {
  const shown = returnBool ? `${op} bool` : op;
  if (matching === null || (matching.labels.length === 0 && !matching.on)) return shown;
  return `${shown} ${matching.on ? 'on' : 'ignoring'} (${matching.labels.join(comma)}) ${showGroup(matching, comma)}`;
}

function showGroup({ cardinality, include }: Matching, comma: string): string {
  const labels = include.length === 0 ? '' : ` (${include.join(comma)})`;
  if (cardinality === 'manyToOne') return `group_left${labels}`;
  return cardinality === 'oneToMany' ? `group_right${labels}` : '';
}

function showLiteral(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

function showPlain(value: number): string {
  return value.toLocaleString('en', { useGrouping: false, maximumFractionDigits: 20 });
}

function showSeconds(value: number): string {
  return showGoDuration(BigInt(Math.round(value * 1e9)));
}

const sizes = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const;

/** Three digits or fewer and a decimal unit, as Loki shortens sizes: `1.5kB`. */
function showBytes(value: number): string {
  if (Math.abs(value) < 10) return `${value}B`;
  const power = Math.min(Math.floor(Math.log10(Math.abs(value)) / 3), sizes.length - 1);
  const scaled = Math.floor((value / 1_000 ** power) * 10 + 0.5) / 10;
  return `${Math.abs(scaled) < 10 ? scaled.toFixed(1) : scaled.toFixed(0)}${sizes[power] ?? 'EB'}`;
}
