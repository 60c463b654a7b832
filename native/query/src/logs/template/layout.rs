//! Times as texts, by Go's layouts: how the second of January 2006, 15:04:05, would be written.

use std::fmt::Write as _;

/// A time taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    pub(super) year: i32,
    pub(super) month: u32,
    pub(super) day: u32,
    pub(super) day_of_year: u32,
    /// From Sunday, 0.
    pub(super) weekday: u32,
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) second: u32,
    pub(super) nanos: u32,
    /// East of Greenwich; `None` where a text does not say it.
    pub(super) offset_seconds: Option<i32>,
    /// Its short name.
    pub(super) zone: String,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A part of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Year,
    YearShort,
    MonthName,
    MonthShort,
    Month(Pad),
    Day(Pad),
    DayOfYear(Pad),
    WeekdayName,
    WeekdayShort,
    Hour,
    Hour12(Pad),
    Minute(Pad),
    Second(Pad),
    HalfLarge,
    HalfSmall,
    Zone,
    Offset {
        zulu: bool,
        colons: bool,
        seconds: bool,
        minutes: bool,
    },
    /// Digits behind the second, with their separator; trimmed of zeros or not.
    Fraction {
        separator: char,
        digits: usize,
        trimmed: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pad {
    None,
    Zero,
    Blank,
}

/// Longer ones first, where one starts another.
const PARTS: [(&str, Part); 38] = [
    ("January", Part::MonthName),
    ("Jan", Part::MonthShort),
    ("Monday", Part::WeekdayName),
    ("Mon", Part::WeekdayShort),
    ("MST", Part::Zone),
    ("2006", Part::Year),
    ("__2", Part::DayOfYear(Pad::Blank)),
    ("_2006", Part::Year),
    ("_2", Part::Day(Pad::Blank)),
    ("002", Part::DayOfYear(Pad::Zero)),
    ("01", Part::Month(Pad::Zero)),
    ("02", Part::Day(Pad::Zero)),
    ("03", Part::Hour12(Pad::Zero)),
    ("04", Part::Minute(Pad::Zero)),
    ("05", Part::Second(Pad::Zero)),
    ("06", Part::YearShort),
    ("15", Part::Hour),
    ("1", Part::Month(Pad::None)),
    ("2", Part::Day(Pad::None)),
    ("3", Part::Hour12(Pad::None)),
    ("4", Part::Minute(Pad::None)),
    ("5", Part::Second(Pad::None)),
    ("PM", Part::HalfLarge),
    ("pm", Part::HalfSmall),
    ("Z070000", Part::Offset { zulu: true, colons: false, seconds: true, minutes: true }),
    ("Z07:00:00", Part::Offset { zulu: true, colons: true, seconds: true, minutes: true }),
    ("Z0700", Part::Offset { zulu: true, colons: false, seconds: false, minutes: true }),
    ("Z07:00", Part::Offset { zulu: true, colons: true, seconds: false, minutes: true }),
    ("Z07", Part::Offset { zulu: true, colons: false, seconds: false, minutes: false }),
    ("-070000", Part::Offset { zulu: false, colons: false, seconds: true, minutes: true }),
    ("-07:00:00", Part::Offset { zulu: false, colons: true, seconds: true, minutes: true }),
    ("-0700", Part::Offset { zulu: false, colons: false, seconds: false, minutes: true }),
    ("-07:00", Part::Offset { zulu: false, colons: true, seconds: false, minutes: true }),
    ("-07", Part::Offset { zulu: false, colons: false, seconds: false, minutes: false }),
    (".0", Part::Fraction { separator: '.', digits: 0, trimmed: false }),
    (",0", Part::Fraction { separator: ',', digits: 0, trimmed: false }),
    (".9", Part::Fraction { separator: '.', digits: 0, trimmed: true }),
    (",9", Part::Fraction { separator: ',', digits: 0, trimmed: true }),
];

/// The literal text before the next part, the part, and the rest of the layout.
fn next(layout: &str) -> (&str, Option<Part>, &str) {
    for (at, _) in layout.char_indices() {
        let rest = &layout[at..];
        let Some(&(text, part)) = PARTS.iter().find(|(text, _)| rest.starts_with(text)) else {
            continue;
        };
        let after = &rest[text.len()..];
        match part {
            Part::Fraction { separator, trimmed, .. } => {
                let digit = if trimmed { '9' } else { '0' };
                let digits = rest[1..].len() - rest[1..].trim_start_matches(digit).len();
                let after = &rest[1 + digits..];
                // Digits that go on are no fraction.
                if !after.starts_with(|c: char| c.is_ascii_digit()) {
                    return (
                        &layout[..at],
                        Some(Part::Fraction { separator, digits, trimmed }),
                        after,
                    );
                }
            }
            // `Jan` starts other words.
            Part::MonthShort | Part::WeekdayShort
                if after.starts_with(|c: char| c.is_ascii_lowercase()) => {}
            Part::Year if text == "_2006" => return (&layout[..=at], Some(part), after),
            _ => return (&layout[..at], Some(part), after),
        }
    }
    (layout, None, "")
}

/// A time by a layout.
pub(super) fn format(layout: &str, time: &Fields) -> String {
    let mut out = String::new();
    let mut rest = layout;
    loop {
        let (literal, part, after) = next(rest);
        out.push_str(literal);
        let Some(part) = part else { return out };
        // Writing to a String cannot fail.
        let _ = write_part(&mut out, part, time);
        rest = after;
    }
}

fn name_of<'n>(names: &[&'n str], at: u32) -> &'n str {
    names.get(at as usize).copied().unwrap_or_default()
}

fn write_part(out: &mut String, part: Part, time: &Fields) -> std::fmt::Result {
    let hour12 = if time.hour.is_multiple_of(12) { 12 } else { time.hour % 12 };
    match part {
        Part::Year => write!(out, "{:04}", time.year),
        Part::YearShort => write!(out, "{:02}", time.year.rem_euclid(100)),
        Part::MonthName => write!(out, "{}", name_of(&MONTHS, time.month - 1)),
        Part::MonthShort => write!(out, "{:.3}", name_of(&MONTHS, time.month - 1)),
        Part::Month(pad) => write_padded(out, time.month, pad, 2),
        Part::Day(pad) => write_padded(out, time.day, pad, 2),
        Part::DayOfYear(pad) => write_padded(out, time.day_of_year, pad, 3),
        Part::WeekdayName => write!(out, "{}", name_of(&DAYS, time.weekday)),
        Part::WeekdayShort => write!(out, "{:.3}", name_of(&DAYS, time.weekday)),
        Part::Hour => write!(out, "{:02}", time.hour),
        Part::Hour12(pad) => write_padded(out, hour12, pad, 2),
        Part::Minute(pad) => write_padded(out, time.minute, pad, 2),
        Part::Second(pad) => write_padded(out, time.second, pad, 2),
        Part::HalfLarge => write!(out, "{}", if time.hour < 12 { "AM" } else { "PM" }),
        Part::HalfSmall => write!(out, "{}", if time.hour < 12 { "am" } else { "pm" }),
        Part::Zone => write!(out, "{}", time.zone),
        Part::Offset { zulu, colons, seconds, minutes } => {
            let offset = time.offset_seconds.unwrap_or(0);
            if zulu && offset == 0 {
                return write!(out, "Z");
            }
            let sign = if offset < 0 { '-' } else { '+' };
            let size = offset.unsigned_abs();
            let colon = if colons { ":" } else { "" };
            write!(out, "{sign}{:02}", size / 3_600)?;
            if minutes {
                write!(out, "{colon}{:02}", size / 60 % 60)?;
            }
            if seconds {
                write!(out, "{colon}{:02}", size % 60)?;
            }
            Ok(())
        }
        Part::Fraction { separator, digits, trimmed } => {
            let all = format!("{:09}", time.nanos);
            let shown = all.get(..digits.min(9)).unwrap_or(&all);
            let shown = if trimmed { shown.trim_end_matches('0') } else { shown };
            if shown.is_empty() { Ok(()) } else { write!(out, "{separator}{shown}") }
        }
    }
}

fn write_padded(out: &mut String, number: u32, pad: Pad, width: usize) -> std::fmt::Result {
    match pad {
        Pad::None => write!(out, "{number}"),
        Pad::Zero => write!(out, "{number:0width$}"),
        Pad::Blank => write!(out, "{number:width$}"),
    }
}

/// Reads a text by a layout; parts that the layout leaves out are those of the first of January of the
/// year 0. `None` for what is not of the layout.
pub(super) fn parse(layout: &str, text: &str) -> Option<Fields> {
    let mut time = Fields { month: 1, day: 1, ..Fields::default() };
    let mut afternoon = None;
    let mut rest = text;
    let mut layout = layout;
    loop {
        let (literal, part, after) = next(layout);
        rest = rest.strip_prefix(literal)?;
        let Some(part) = part else { break };
        rest = read_part(part, rest, &mut time, &mut afternoon)?;
        // Digits behind the second are read where the layout does not name them, too.
        let is_second = matches!(part, Part::Second(_));
        if is_second
            && !matches!(next(after), ("", Some(Part::Fraction { .. }), _))
            && let Some(fraction) = rest.strip_prefix(['.', ','])
            && fraction.starts_with(|c: char| c.is_ascii_digit())
        {
            (time.nanos, rest) = read_fraction(fraction)?;
        }
        layout = after;
    }
    match afternoon {
        Some(true) if time.hour < 12 => time.hour += 12,
        Some(false) if time.hour == 12 => time.hour = 0,
        _ => {}
    }
    rest.is_empty().then_some(time)
}

fn read_part<'t>(
    part: Part,
    text: &'t str,
    time: &mut Fields,
    afternoon: &mut Option<bool>,
) -> Option<&'t str> {
    let number = |least: usize, most: usize| read_number(text, least, most);
    let padded = |pad: Pad| match pad {
        Pad::None => read_number(text, 1, 2),
        Pad::Zero => read_number(text, 2, 2),
        Pad::Blank => read_number(text.trim_start_matches(' '), 1, 2),
    };
    let (into, (value, rest)) = match part {
        Part::Year => {
            let (year, rest) = number(4, 4)?;
            time.year = i32::try_from(year).ok()?;
            return Some(rest);
        }
        Part::YearShort => {
            let (year, rest) = number(2, 2)?;
            time.year = i32::try_from(if year >= 69 { 1900 + year } else { 2000 + year }).ok()?;
            return Some(rest);
        }
        Part::MonthName | Part::MonthShort => {
            let (at, rest) = read_name(&MONTHS, text, part == Part::MonthShort)?;
            time.month = at + 1;
            return Some(rest);
        }
        Part::WeekdayName | Part::WeekdayShort => {
            return Some(read_name(&DAYS, text, part == Part::WeekdayShort)?.1);
        }
        Part::HalfLarge | Part::HalfSmall => {
            let half = text.get(..2)?;
            *afternoon = Some(half.eq_ignore_ascii_case("pm"));
            return (half.eq_ignore_ascii_case("am") || *afternoon == Some(true))
                .then(|| &text[2..]);
        }
        Part::Zone => {
            let end = text.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(text.len());
            (text[..end] == *"UTC").then(|| time.offset_seconds = Some(0));
            return (end >= 3).then(|| &text[end..]);
        }
        Part::Offset { zulu, colons, seconds, minutes } => {
            if let Some(rest) = text.strip_prefix('Z').filter(|_| zulu) {
                time.offset_seconds = Some(0);
                return Some(rest);
            }
            return read_offset(text, colons, minutes, seconds, time);
        }
        Part::Fraction { separator, trimmed, .. } => {
            let Some(fraction) = text.strip_prefix(separator) else {
                return trimmed.then_some(text);
            };
            let (nanos, rest) = read_fraction(fraction)?;
            time.nanos = nanos;
            return Some(rest);
        }
        Part::Month(pad) => (&mut time.month, padded(pad)?),
        Part::Day(pad) => (&mut time.day, padded(pad)?),
        Part::DayOfYear(_) => (&mut time.day_of_year, number(3, 3)?),
        Part::Hour => (&mut time.hour, number(1, 2)?),
        Part::Hour12(pad) => (&mut time.hour, padded(pad)?),
        Part::Minute(pad) => (&mut time.minute, padded(pad)?),
        Part::Second(pad) => (&mut time.second, padded(pad)?),
    };
    *into = value;
    Some(rest)
}

fn read_offset<'t>(
    text: &'t str,
    colons: bool,
    minutes: bool,
    seconds: bool,
    time: &mut Fields,
) -> Option<&'t str> {
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, mut rest) = read_number(&text[1..], 2, 2)?;
    let mut size = hours * 3_600;
    for unit in [(minutes, 60), (seconds, 1)].into_iter().filter(|(is_there, _)| *is_there) {
        rest = if colons { rest.strip_prefix(':')? } else { rest };
        let (value, after) = read_number(rest, 2, 2)?;
        size += value * unit.1;
        rest = after;
    }
    time.offset_seconds = Some(sign * i32::try_from(size).ok()?);
    Some(rest)
}

fn read_number(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    (digits >= least).then(|| number.parse().ok())?.map(|number| (number, rest))
}

fn read_fraction(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let nanos = format!("{number:0<9}");
    Some((nanos.get(..9).filter(|_| digits > 0)?.parse().ok()?, rest))
}

fn read_name<'t>(names: &[&str], text: &'t str, is_short: bool) -> Option<(u32, &'t str)> {
    names.iter().zip(0..).find_map(|(name, at)| {
        let name = if is_short { &name[..3] } else { name };
        let start = text.get(..name.len())?;
        start.eq_ignore_ascii_case(name).then(|| (at, &text[name.len()..]))
    })
}
