//! Label values as numbers: plain ones, Go's durations, sizes.

use crate::plan::NumberUnit;

/// The number that a label's value says, or why it says none.
pub(super) fn read_number(text: &str, unit: NumberUnit) -> Result<f64, String> {
    match unit {
        NumberUnit::Plain => read_plain(text),
        NumberUnit::Seconds => read_seconds(text),
        NumberUnit::Bytes => read_bytes(text),
    }
}

fn read_plain(text: &str) -> Result<f64, String> {
    // Rust reads all that Go does, but for underscores between digits, and hex floats, which nobody logs.
    let parsed =
        if are_digits_separated(text) { text.replace('_', "").parse() } else { text.parse() };
    parsed.map_err(|_| format!("strconv.ParseFloat: parsing {text:?}: invalid syntax"))
}

/// Whether there are underscores, each between two digits.
fn are_digits_separated(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_digit =
        |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let mut underscores = memchr::memchr_iter(b'_', bytes).peekable();
    underscores.peek().is_some()
        && underscores.all(|at| is_digit(at.checked_sub(1)) && is_digit(at.checked_add(1)))
}

/// Seconds of a duration as Go writes them: `1h30m`, `1.5s`, `-250ms`, `3µs`; no blanks.
pub(super) fn read_seconds(text: &str) -> Result<f64, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (sign, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (-1.0, &text[1..]),
        Some(b'+') => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    if rest == "0" {
        return Ok(0.0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut nanos = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().map_err(|_| invalid())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit_nanos = match &rest[..letters] {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3_600e9,
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            unit => return Err(format!("time: unknown unit {unit:?} in duration {text:?}")),
        };
        nanos += (number * unit_nanos).trunc();
        rest = &rest[letters..];
    }
    Ok(sign * nanos / 1e9)
}

/// Bytes of a size: a number, perhaps blanks, and a unit of either case (`kB` is 1000, `KiB` 1024).
fn read_bytes(text: &str) -> Result<f64, String> {
    let end =
        text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(text.len());
    let digits = text[..end].replace(',', "");
    let number = read_plain(&digits)?;
    let unit = text[end..].trim().to_ascii_lowercase();
    let power = |base: f64, exponent| Ok(f64::trunc(number * base.powi(exponent)));
    match unit.as_str() {
        "" | "b" => power(1.0, 0),
        "k" | "kb" => power(1_000.0, 1),
        "m" | "mb" => power(1_000.0, 2),
        "g" | "gb" => power(1_000.0, 3),
        "t" | "tb" => power(1_000.0, 4),
        "p" | "pb" => power(1_000.0, 5),
        "e" | "eb" => power(1_000.0, 6),
        "ki" | "kib" => power(1_024.0, 1),
        "mi" | "mib" => power(1_024.0, 2),
        "gi" | "gib" => power(1_024.0, 3),
        "ti" | "tib" => power(1_024.0, 4),
        "pi" | "pib" => power(1_024.0, 5),
        "ei" | "eib" => power(1_024.0, 6),
        _ => Err(format!("unhandled size name: {unit}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        // Texts, because they are to be exact.
        let seconds = |text| read_seconds(text).unwrap().to_string();
        let read = ["1h30m", "1.5s", "-250ms", "3µs", "0", "1m1s"].map(seconds);
        assert_eq!(read, ["5400", "1.5", "-0.25", "0.000003", "0", "61"]);
        assert_eq!(read_seconds("abc").unwrap_err(), r#"time: invalid duration "abc""#);
        assert_eq!(read_seconds("5").unwrap_err(), r#"time: missing unit in duration "5""#);
    }

    #[test]
    fn sizes_have_units_of_a_thousand_or_of_1024() {
        let bytes = |text| read_number(text, NumberUnit::Bytes).unwrap().to_string();
        let read = ["77B", "512kB", "4KiB", "1.5KB", "1,024 mb", "3"].map(bytes);
        assert_eq!(read, ["77", "512000", "4096", "1500", "1024000000", "3"]);
        assert_eq!(
            read_number("lots", NumberUnit::Bytes).unwrap_err(),
            r#"strconv.ParseFloat: parsing "": invalid syntax"#
        );
    }
}
