//! RFC 3164, which describes what was seen, and what has been seen since: `[TIME] [HOST] [TAG:] TEXT`.

use super::super::time;
use super::message::{FIELD_MAX_BYTES, LocalTime, Message, When};

/// Programs' names are short; a longer word before a colon is text.
const APP_MAX_BYTES: usize = 64;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Fills a message with what its text behind the priority tells.
pub(super) fn read<'a>(message: Message<'a>, rest: &'a str) -> Message<'a> {
    let Some(Stamped { when, host, rest }) = stamped(rest) else {
        let (tag, text) = split_tag(rest).unwrap_or((Tag::default(), rest));
        return Message { app: tag.app, procid: tag.procid, text, ..message };
    };
    let message = Message { when, host, ..message };
    // What a host's own programs write to it has a tag at once; what was sent on has a host before.
    if let Some((tag, text)) = split_tag(rest) {
        return Message { app: tag.app, procid: tag.procid, text, ..message };
    }
    let Some((host, behind)) = rest.split_once(' ').filter(|(host, _)| is_host(host)) else {
        return Message { text: rest, ..message };
    };
    let (tag, text) = split_tag(behind).unwrap_or((Tag::default(), behind));
    Message { host, app: tag.app, procid: tag.procid, text, ..message }
}

struct Stamped<'a> {
    when: When,
    /// Cisco's `logging origin-id` stands before the time.
    host: &'a str,
    rest: &'a str,
}

/// Reads the time, and before it Cisco's sequence number and host, each followed by a colon.
fn stamped(rest: &str) -> Option<Stamped<'_>> {
    if let Some((when, rest)) = timestamp(rest) {
        return Some(Stamped { when, host: "", rest });
    }
    let (first, mut rest) = rest.split_once(": ")?;
    let is_sequence = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
    if !is_sequence {
        return None;
    }
    let mut host = "";
    if timestamp(rest).is_none()
        && let Some((origin, behind)) = rest.split_once(": ").filter(|(it, _)| is_host(it))
    {
        (host, rest) = (origin, behind);
    }
    let (when, rest) = timestamp(rest)?;
    Some(Stamped { when, host, rest })
}

#[derive(Clone, Copy, Default)]
struct Tag<'a> {
    app: &'a str,
    procid: &'a str,
}

/// `app:`, `app[procid]:` or `app[procid]`, and the text behind.
fn split_tag(text: &str) -> Option<(Tag<'_>, &str)> {
    let end = text.find([' ', ':', '['])?;
    let (app, rest) = text.split_at_checked(end)?;
    if app.is_empty() || app.len() > APP_MAX_BYTES {
        return None;
    }
    let (procid, rest) = match rest.strip_prefix('[') {
        Some(inner) => {
            let (procid, rest) = inner.split_once(']')?;
            let is_id = procid.len() <= FIELD_MAX_BYTES && !procid.contains(' ');
            is_id.then(|| (procid, rest.strip_prefix(':').unwrap_or(rest)))?
        }
        None => ("", rest.strip_prefix(':')?),
    };
    // `host:port` and `C:\path` are no tags: behind one there is a blank, or nothing.
    let text = rest.strip_prefix(' ').or_else(|| rest.is_empty().then_some(""))?;
    Some((Tag { app, procid }, text))
}

fn is_host(text: &str) -> bool {
    let is_of_host = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte);
    // `--` of `-- MARK --` is none.
    text.bytes().any(|byte| byte.is_ascii_alphanumeric())
        && text.len() <= FIELD_MAX_BYTES
        && text.bytes().all(is_of_host)
}

/// Reads a time and the blanks behind it. Cisco marks a clock that is not set with `*` or `.`, and
/// ends the time with a colon.
fn timestamp(text: &str) -> Option<(When, &str)> {
    let text = text.strip_prefix(['*', '.']).unwrap_or(text);
    let (when, rest) = if text.starts_with(|first: char| first.is_ascii_digit()) {
        iso(text)?
    } else {
        bsd(text)?
    };
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let rest = rest.strip_prefix(' ').or_else(|| rest.is_empty().then_some(""))?;
    Some((when, rest.trim_start_matches(' ')))
}

/// RFC 3339, with or without its offset.
fn iso(text: &str) -> Option<(When, &str)> {
    let end = text.find(' ').unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    if let Some(time_ns) = time::parse_rfc3339(word.strip_suffix(':').unwrap_or(word)) {
        return Some((When::At(time_ns), rest));
    }
    let (year, rest) = digits(text, 4, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 2, 2)?;
    let (clock, rest) = clock(rest.strip_prefix(['T', ' '])?)?;
    local(Some(year), month, day, &clock).map(|it| (When::Local(it), rest))
}

/// `Mmm dd hh:mm:ss`, with a year before or behind the clock, a fraction, or a zone's letters.
fn bsd(text: &str) -> Option<(When, &str)> {
    let name = text.get(..3)?;
    let month = MONTHS.iter().position(|month| *month == name)? as i32 + 1;
    let rest = text.get(3..)?.strip_prefix(' ')?;
    let (day, rest) = digits(rest.strip_prefix(' ').unwrap_or(rest), 1, 2)?;
    let rest = rest.strip_prefix(' ')?;
    let (mut year, rest) = match digits(rest, 4, 4) {
        Some((year, rest)) => (Some(year), rest.strip_prefix(' ')?),
        None => (None, rest),
    };
    let (clock, mut rest) = clock(rest)?;
    if year.is_none()
        && let Some((behind, after)) = rest.strip_prefix(' ').and_then(|it| digits(it, 4, 4))
        && (1970..2262).contains(&behind)
        && (after.is_empty() || after.starts_with([' ', ':']))
    {
        (year, rest) = (Some(behind), after);
    }
    let (zone, behind) = zone_letters(rest).unwrap_or(("", rest));
    let is_utc = matches!(zone, "UTC" | "GMT");
    let local = LocalTime { is_utc, ..local(year, month, day, &clock)? };
    Some((When::Local(local), behind))
}

/// A zone's letters, and what is behind them from the colon on. Other letters than UTC's say nothing:
/// more than one zone has them.
fn zone_letters(rest: &str) -> Option<(&str, &str)> {
    let word = rest.strip_prefix(' ')?;
    let (zone, behind) = word.split_at_checked(word.find(':')?)?;
    let is_zone = (3..=5).contains(&zone.len()) && zone.bytes().all(|it| it.is_ascii_uppercase());
    is_zone.then_some((zone, behind))
}

struct Clock {
    hour: i32,
    minute: i32,
    second: i32,
    nanosecond: i32,
}

/// `hh:mm:ss`, and a fraction of up to nine digits.
fn clock(text: &str) -> Option<(Clock, &str)> {
    let (hour, rest) = digits(text, 1, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    let (second, rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    let (nanosecond, rest) = match rest.strip_prefix(['.', ',']).and_then(|it| digits(it, 1, 9)) {
        Some((fraction, behind)) => {
            let length = rest.len() - behind.len() - 1;
            (fraction * 10_i32.pow(9 - length as u32), behind)
        }
        None => (0, rest),
    };
    Some((Clock { hour, minute, second, nanosecond }, rest))
}

fn local(year: Option<i32>, month: i32, day: i32, clock: &Clock) -> Option<LocalTime> {
    let Clock { hour, minute, second, nanosecond } = *clock;
    let is_time = (1..=12).contains(&month) && (1..=31).contains(&day);
    (is_time && hour < 24 && minute < 60 && second <= 60).then_some(LocalTime {
        year: year.map(|year| year as i16),
        month: month as i8,
        day: day as i8,
        hour: hour as i8,
        minute: minute as i8,
        // A leap second is the last one again, as clocks show it.
        second: second.min(59) as i8,
        nanosecond,
        is_utc: false,
    })
}

/// So many digits, and what is behind them, which is none.
fn digits(text: &str, min: usize, max: usize) -> Option<(i32, &str)> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    if count < min || count > max {
        return None;
    }
    let (digits, rest) = text.split_at_checked(count)?;
    Some((digits.parse().ok()?, rest))
}
