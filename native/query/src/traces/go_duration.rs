//! Durations as Go writes them (`time.Duration.String`): `1m1s`, `77.28ms`, `0s`.

/// The text of a length in nanoseconds.
pub(super) fn show(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let seconds = nanos / 1_000_000_000;
    match nanos {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{nanos}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", decimal(nanos, 1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimal(nanos, 1_000_000)),
        _ => {
            let below_minute = decimal(nanos % 60_000_000_000, 1_000_000_000);
            let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
            match (hours, minutes) {
                (0, 0) => format!("{sign}{below_minute}s"),
                (0, _) => format!("{sign}{minutes}m{below_minute}s"),
                (_, _) => format!("{sign}{hours}h{minutes}m{below_minute}s"),
            }
        }
    }
}

/// `value / unit` with as many digits after the point as it needs; `unit` is a power of ten.
fn decimal(value: u64, unit: u64) -> String {
    let digits = unit.ilog10() as usize;
    let text = format!("{}.{:0digits$}", value / unit, value % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::show;

    #[test]
    fn a_duration_has_the_largest_unit_that_fits_below_a_second_and_all_units_above() {
        let shown = [0, 999, 1_500, 77_280_000, 10_001_000, 1_000_000_000, 61_000_000_000];
        let texts = ["0s", "999ns", "1.5µs", "77.28ms", "10.001ms", "1s", "1m1s"];
        assert_eq!(shown.map(show), texts);
        assert_eq!(show(3_600_000_000_000 + 500_000_000), "1h0m0.5s");
        assert_eq!(show(-1_500_000_000), "-1.5s");
    }
}
