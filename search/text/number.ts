/**
 * A number as Go's `strconv` reads literals: `1.5`, `.5`, `1e3`, `0x1F`, `017` (octal), `1_000`,
 * `Inf`, `NaN` in any case, with an optional sign. `null` when it is not one.
 */
export function parseNumber(text: string): number | null {
  const sign = text.startsWith('-') ? -1 : 1;
  const body = (/^[+-]/.test(text) ? text.slice(1) : text).toLowerCase();
  if (body === 'inf' || body === 'infinity') return sign * Infinity;
  if (body === 'nan') return NaN;
  if (/(?:^|[^0-9a-f])_|_(?:[^0-9a-f]|$)|__/.test(body)) return null;
  const digits = body.replaceAll('_', '');
  if (/^0x[0-9a-f]+$/.test(digits) || /^0o[0-7]+$/.test(digits) || /^0b[01]+$/.test(digits))
    return sign * Number(digits);
  if (/^0[0-7]+$/.test(digits)) return sign * Number.parseInt(digits, 8);
  if (!/^(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/.test(digits)) return null;
  return sign * Number(digits);
}

/** A number without an exponent, as Go's `strconv.FormatFloat(value, 'f', -1, 64)` writes it. */
export function plainDecimal(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const [mantissa = '', exponent] = String(value).split('e');
  if (exponent === undefined) return mantissa;
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  const sign = value < 0 ? '-' : '';
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, '0');
}

/** A number as the plan carries it, so that Rust's `f64::from_str` reads the same one. */
export function writeNumber(value: number): string {
  if (Object.is(value, -0)) return '-0';
  if (value === Infinity) return 'inf';
  if (value === -Infinity) return '-inf';
  return String(value);
}
