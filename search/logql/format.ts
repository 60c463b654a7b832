import type { Grouping } from '../plan/generated.ts';
import { showPrometheusDuration } from '../text/duration.ts';
import { quote } from '../text/string.ts';
import { keepsNoLabel, showLogql, showMatchers, showOperator, showStage, showUnwrap } from './show.ts';
import type { BinaryExpr, LogExpr, LogqlExpr, LogRange, LogStage } from './syntax.ts';

/** Longest expression that stays on one line. */
const lineMaxBytes = 100;

function fits(line: string): boolean {
  return Buffer.byteLength(line) <= lineMaxBytes;
}

/**
 * A query for people, as Loki's `format_query` lays it out: what fits stays on one line, the rest has
 * a line for each stage, argument and operand, two blanks deeper than what they belong to.
 *
 * @param level how deep the query stands
 */
export function formatLogql(expr: LogqlExpr, level = 0): string {
  const line = showLogql(expr);
  const indent = '  '.repeat(level);
  if (fits(line)) return indent + line;
  switch (expr.kind) {
    case 'log':
      return formatLog(expr, level);
    case 'rangeAggregation': {
      const param = expr.param === null ? [] : [`${indent}  ${expr.param},`];
      const lines = [`${indent}${expr.op}(`, ...param, formatRange(expr.input, level + 1), `${indent})`];
      return lines.join('\n') + formatGrouping(expr.grouping);
    }
    case 'vectorAggregation': {
      const param = expr.param === null ? [] : [`${indent}  ${expr.param},`];
      const open = `${indent}${expr.op}${formatGrouping(expr.grouping)}(`;
      return [open, ...param, formatLogql(expr.input, level + 1), `${indent})`].join('\n');
    }
    case 'binary': {
      const left = formatLogql(expr.left, level + 1);
      return [left, `${indent}${formatOperator(expr)}`, formatLogql(expr.right, level + 1)].join('\n');
    }
    case 'labelReplace': {
      const texts = [expr.to, expr.replacement, expr.from, expr.regex].map(
        (text) => `${indent}  ${quote(text)}`,
      );
      const args = [formatLogql(expr.input, level + 1), ...texts].join(',\n');
      return `${indent}label_replace(\n${args}\n${indent})`;
    }
    case 'literal':
    case 'vector':
      return indent + line;
  }
}

/** `on ()` is left out too where a line is broken. */
function formatOperator(expr: BinaryExpr): string {
  const { matching } = expr;
  return showOperator({ ...expr, matching: matching?.labels.length === 0 ? null : matching }, ', ');
}

function formatLog({ matchers, stages }: LogExpr, level: number): string {
  const indent = '  '.repeat(level);
  const lines = chains(stages).flatMap((chain) => {
    const one = chain.map(showStage);
    const joined = one.join(' ');
    const lines = fits(joined) ? [joined] : one;
    // Loki forgets to move this one stage in.
    return chain[0]?.kind === 'decolorize' ? lines : lines.map((line) => `${indent}  ${line}`);
  });
  return [indent + showMatchers(matchers), ...lines].join('\n');
}

/** Neighbouring line filters are one stage; every other stage is its own. */
function chains(stages: readonly LogStage[]): LogStage[][] {
  const all: LogStage[][] = [];
  for (const stage of stages) {
    const last = all.at(-1);
    if (stage.kind === 'lineFilter' && last?.[0]?.kind === 'lineFilter') last.push(stage);
    else all.push([stage]);
  }
  return all;
}

function formatRange({ log, unwrap, range, offset }: LogRange, level: number): string {
  const lines = [formatLogql(log, level)];
  if (unwrap !== null) lines.push(...showUnwrap(unwrap).map((line) => '  '.repeat(level + 1) + line));
  const moved = offset === 0n ? '' : ` offset ${showPrometheusDuration(offset)}`;
  return `${lines.join('\n')} [${showPrometheusDuration(range)}]${moved}`;
}

function formatGrouping(grouping: Grouping | null): string {
  if (grouping === null || keepsNoLabel(grouping)) return '';
  // As in Loki `without ()` loses its parentheses here, so that it can't be read again.
  const labels = grouping.labels.length === 0 ? '' : ` (${grouping.labels.join(', ')})`;
  return ` ${grouping.without ? 'without' : 'by'}${labels}`;
}
