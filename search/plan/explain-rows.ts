import type {
  Extraction,
  LabelFilterExpr,
  LabelFormat,
  LabelMatcher,
  LabelPick,
  LinePattern,
  LogRows,
  Parser,
  Stage,
  TextExpr,
  WordTest,
} from './generated.ts';

/** Nanoseconds as seconds: `300s`, `0.5s`. */
export function seconds(nanos: string): string {
  return `${Number(nanos) / 1e9}s`;
}

/** `{app="x",env!="y"}` */
export function matchers(all: readonly LabelMatcher[]): string {
  return `{${all.map(matcher).join(',')}}`;
}

function matcher({ name, op, value }: LabelMatcher): string {
  return `${name}${op}${JSON.stringify(value)}`;
}

/** A scan and its stages, as a pipeline. */
export function explainLogRows({ scan, stages }: LogRows): string {
  const range = scan.range === null ? '' : ` [${seconds(scan.range.from)}, ${seconds(scan.range.to)})`;
  return [`${matchers(scan.matchers)}${range}`, ...stages.map(stage)].join(' | ');
}

function stage(of: Stage): string {
  switch (of.stage) {
    case 'lineFilter':
      return `line ${of.op} ${of.patterns.map(linePattern).join(' or ')}`;
    case 'labelFilter':
      return labelFilter(of.expr);
    case 'parse':
      return parser(of.parser);
    case 'decolorize':
      return 'decolorize';
    case 'lineFormat':
      return `line_format ${JSON.stringify(of.template)}`;
    case 'labelFormat':
      return `label_format ${of.formats.map(labelFormat).join(', ')}`;
    case 'drop':
    case 'keep':
      return `${of.stage} ${of.labels.map(pick).join(', ')}`;
  }
}

function linePattern({ text, ip }: LinePattern): string {
  return ip ? `ip(${JSON.stringify(text)})` : JSON.stringify(text);
}

function labelFormat({ to, from }: LabelFormat): string {
  return `${to}=${from.kind === 'label' ? from.text : JSON.stringify(from.text)}`;
}

/** A label filter as it is written, with its operands in parentheses. */
export function labelFilter(expr: LabelFilterExpr): string {
  switch (expr.kind) {
    case 'and':
    case 'or':
      return `(${labelFilter(expr.left)} ${expr.kind} ${labelFilter(expr.right)})`;
    case 'text':
      return matcher(expr.matcher);
    case 'words':
      return `${expr.name} is ${expr.negated ? 'not ' : ''}${expr.tests.map(wordTest).join(' or ')}${expr.ignoresCase ? ' in any case' : ''}`;
    case 'number': {
      const unit = { plain: '', seconds: 's', bytes: 'B' }[expr.unit];
      return `${expr.name} ${expr.op} ${expr.value}${unit}`;
    }
    case 'ip':
      return `${expr.name} ${expr.negated ? '!=' : '='} ip(${JSON.stringify(expr.range)})`;
  }
}

function wordTest(test: WordTest): string {
  switch (test.kind) {
    case 'any':
      return '*';
    case 'notEmpty':
      return '?*';
    case 'equal':
      return JSON.stringify(test.text);
    case 'contains':
      return `*${JSON.stringify(test.text)}*`;
  }
}

function parser(of: Parser): string {
  switch (of.kind) {
    case 'json':
      return `json${extractions(of.expressions)}`;
    case 'logfmt':
      return `logfmt${of.strict ? ' --strict' : ''}${of.keepEmpty ? ' --keep-empty' : ''}${extractions(of.expressions)}`;
    case 'regexp':
    case 'pattern':
      return `${of.kind} ${JSON.stringify(of.expression)}`;
    case 'unpack':
      return 'unpack';
  }
}

function extractions(all: readonly Extraction[]): string {
  const shown = all.map(({ label, path }) => `${label}=${JSON.stringify(path)}`).join(', ');
  return shown === '' ? '' : ` ${shown}`;
}

function pick({ name, matches }: LabelPick): string {
  return matches === null ? name : matcher({ name, ...matches });
}

/** A search for words: phrases in quotes, what is joined in brackets. */
export function explainText(expr: TextExpr): string {
  switch (expr.kind) {
    case 'phrase':
      return inQuotes(expr.text);
    case 'prefix':
      return `${inQuotes(expr.text)}*`;
    case 'fuzzy':
      return `${expr.text}~${expr.edits}`;
    case 'all':
      return `(${expr.parts.map(explainText).join(' and ')})`;
    case 'any':
      return `(${expr.parts.map(explainText).join(' or ')})`;
    case 'not':
      return `not ${explainText(expr.part)}`;
  }
}

function inQuotes(text: string): string {
  return /\s/.test(text) ? JSON.stringify(text) : text;
}
