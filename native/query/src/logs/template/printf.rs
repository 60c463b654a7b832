//! `print`, `println` and `printf`.

use std::fmt::Write as _;

use super::{
    function::{Args, Function, Param::Text, variadic},
    value::{OUTPUT_MAX_BYTES, Value},
};

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("print", &[], |args| Ok(Value::text(print(args)))),
    variadic("println", &[], |args| {
        let mut out = String::new();
        for (at, arg) in args.0.iter().enumerate() {
            if at > 0 {
                out.push(' ');
            }
            arg.show(&mut out);
        }
        out.push('\n');
        Ok(Value::text(out))
    }),
    variadic("printf", &[Text], |args| format(args.text(0), &args.0[1..]).map(Value::text)),
];

/// All arguments; a blank stands between two of which none is a text.
pub(super) fn print(args: &Args<'_, '_>) -> String {
    let mut out = String::new();
    let mut before_is_text = true;
    for (at, arg) in args.0.iter().enumerate() {
        let is_text = matches!(arg, Value::Text(_));
        if at > 0 && !is_text && !before_is_text {
            out.push(' ');
        }
        arg.show(&mut out);
        before_is_text = is_text;
    }
    out
}

/// What stands between `%` and the verb.
#[derive(Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag as printf writes it")]
struct Spec {
    minus: bool,
    plus: bool,
    blank: bool,
    zero: bool,
    sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Wider fields are refused: no log line needs them.
const WIDTH_MAX: usize = 1 << 12;

fn format(template: &str, args: &[Value<'_>]) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    let mut next = 0;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let (spec, after) = spec(&rest[at + 1..])?;
        let mut chars = after.chars();
        let Some(verb) = chars.next() else {
            out.push_str("%!(NOVERB)");
            rest = "";
            break;
        };
        rest = chars.as_str();
        if verb == '%' {
            out.push('%');
            continue;
        }
        match args.get(next) {
            Some(arg) => pad(&mut out, &verb_text(verb, arg, &spec), &spec),
            None => out.extend(["%!", verb.encode_utf8(&mut [0; 4]), "(MISSING)"]),
        }
        next += 1;
        if out.len() > OUTPUT_MAX_BYTES {
            return Err(format!("the text would be longer than {OUTPUT_MAX_BYTES} bytes"));
        }
    }
    out.push_str(rest);
    if next < args.len() {
        out.push_str("%!(EXTRA ");
        for (at, arg) in args.iter().skip(next).enumerate() {
            out.push_str(if at > 0 { ", " } else { "" });
            out.push_str(&typed(arg));
        }
        out.push(')');
    }
    Ok(out)
}

fn spec(text: &str) -> Result<(Spec, &str), String> {
    let mut spec = Spec::default();
    let mut rest = text;
    while let Some(flag) = rest.chars().next() {
        match flag {
            '-' => spec.minus = true,
            '+' => spec.plus = true,
            ' ' => spec.blank = true,
            '0' => spec.zero = true,
            '#' => spec.sharp = true,
            _ => break,
        }
        rest = &rest[1..];
    }
    let number = |rest: &mut &str| -> Result<Option<usize>, String> {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        *rest = after;
        let number = (digits > 0).then(|| number.parse().unwrap_or(usize::MAX));
        match number {
            Some(number) if number > WIDTH_MAX => {
                Err(format!("a width of {number} is over {WIDTH_MAX}"))
            }
            number => Ok(number),
        }
    };
    spec.width = number(&mut rest)?;
    if let Some(after) = rest.strip_prefix('.') {
        rest = after;
        spec.precision = Some(number(&mut rest)?.unwrap_or(0));
    }
    Ok((spec, rest))
}

/// An argument as one verb shows it.
fn verb_text(verb: char, arg: &Value<'_>, spec: &Spec) -> String {
    let sign = |is_negative: bool| match (is_negative, spec.plus, spec.blank) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        (false, false, false) => "",
    };
    let integer = |value: i64, digits: String| format!("{}{digits}", sign(value < 0));
    match (verb, arg) {
        ('v', Value::Float(value)) if spec.precision.is_some() => float('g', *value, spec),
        ('v' | 's', Value::Text(_)) | ('v', _) => {
            let mut shown = String::new();
            arg.show(&mut shown);
            match (spec.precision, arg) {
                (Some(most), Value::Text(_)) => shown.chars().take(most).collect(),
                _ => shown,
            }
        }
        ('q', Value::Text(text)) => format!("{text:?}"),
        ('x', Value::Text(text)) => hex(text, b"0123456789abcdef"),
        ('X', Value::Text(text)) => hex(text, b"0123456789ABCDEF"),
        ('d', Value::Int(value)) => integer(*value, value.unsigned_abs().to_string()),
        ('b', Value::Int(value)) => integer(*value, format!("{:b}", value.unsigned_abs())),
        ('o', Value::Int(value)) => integer(*value, format!("{:o}", value.unsigned_abs())),
        ('x', Value::Int(value)) => {
            let prefix = if spec.sharp { "0x" } else { "" };
            integer(*value, format!("{prefix}{:x}", value.unsigned_abs()))
        }
        ('X', Value::Int(value)) => {
            let prefix = if spec.sharp { "0X" } else { "" };
            integer(*value, format!("{prefix}{:X}", value.unsigned_abs()))
        }
        ('c', Value::Int(value)) => {
            let char = u32::try_from(*value).ok().and_then(char::from_u32);
            char.unwrap_or('\u{fffd}').to_string()
        }
        ('e' | 'E' | 'f' | 'F' | 'g' | 'G', Value::Float(value)) => {
            let text = float(verb, *value, spec);
            match text.strip_prefix('-') {
                Some(_) => text,
                None => format!("{}{text}", sign(false)),
            }
        }
        ('t', Value::Bool(value)) => value.to_string(),
        ('T', _) => arg.type_name().to_owned(),
        (_, Value::Nil) => format!("%!{verb}(<nil>)"),
        _ => format!("%!{verb}({})", typed(arg)),
    }
}

fn typed(arg: &Value<'_>) -> String {
    let mut shown = format!("{}=", arg.type_name());
    if let Value::Nil = arg {
        return "<nil>".into();
    }
    arg.show(&mut shown);
    shown
}

fn float(verb: char, value: f64, spec: &Spec) -> String {
    if !value.is_finite() {
        let mut text = String::new();
        super::value::push_float(&mut text, value);
        return text.trim_start_matches('+').to_owned();
    }
    let text = match verb {
        'f' | 'F' => format!("{value:.*}", spec.precision.unwrap_or(6)),
        'e' | 'E' => scientific(&format!("{value:.*e}", spec.precision.unwrap_or(6))),
        _ => general(value, spec.precision),
    };
    if verb.is_ascii_uppercase() { text.to_ascii_uppercase() } else { text }
}

/// Rust's `1e-7` as Go's `1e-07`.
fn scientific(text: &str) -> String {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// `%g`: the shortest digits, or so many at most; with an exponent where that is shorter.
fn general(value: f64, precision: Option<usize>) -> String {
    let Some(digits) = precision.map(|digits| digits.max(1)) else {
        let mut text = String::new();
        super::value::push_float(&mut text, value);
        return text;
    };
    let rounded = format!("{value:.*e}", digits - 1);
    let exponent: i64 = rounded.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let without_zeros = |text: &str| {
        let shown = if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.')
        } else {
            text
        };
        shown.to_owned()
    };
    if exponent < -4 || exponent >= digits as i64 {
        let (mantissa, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
        return scientific(&format!("{}e{exponent}", without_zeros(mantissa)));
    }
    let behind = usize::try_from(digits as i64 - 1 - exponent).unwrap_or(0);
    without_zeros(&format!("{value:.behind$}"))
}

fn pad(out: &mut String, text: &str, spec: &Spec) {
    let missing = spec.width.unwrap_or(0).saturating_sub(text.chars().count());
    // Writing to a String cannot fail.
    let _ = if spec.minus {
        write!(out, "{text}{:missing$}", "")
    } else if spec.zero {
        let unsigned = text.trim_start_matches(['-', '+']);
        let sign = &text[..text.len() - unsigned.len()];
        write!(out, "{sign}{:0>1$}", unsigned, unsigned.chars().count() + missing)
    } else {
        write!(out, "{:missing$}{text}", "")
    };
}

/// Two digits for each byte.
fn hex(text: &str, digits: &[u8; 16]) -> String {
    let digit = |number: u8| char::from(digits[usize::from(number)]);
    text.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
