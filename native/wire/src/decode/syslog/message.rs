//! One message taken apart. Nothing is copied: every field is a part of the text.

use super::super::time;
use super::{legacy, structured_data};

/// The priority of a message that has none (RFC 3164, 4.3.3): facility `user`, severity `notice`.
const PRIORITY_MISSING: u8 = 13;

/// No field of the header is longer in any RFC; what is, is no header.
pub(super) const FIELD_MAX_BYTES: usize = 255;

/// A message's fields; empty where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// Without, `text` is the whole message; fields that could be read are there all the same.
    pub(super) is_parsed: bool,
    /// The message names a facility and a severity.
    pub(super) has_priority: bool,
    /// 0 to 23
    pub(super) facility: u8,
    /// 0 to 7
    pub(super) severity: u8,
    pub(super) when: When,
    pub(super) host: &'a str,
    pub(super) app: &'a str,
    pub(super) procid: &'a str,
    pub(super) msgid: &'a str,
    /// As it stands in the message: `[id key="value"]…`.
    pub(super) structured_data: &'a str,
    pub(super) text: &'a str,
}

/// When a message says it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// It does not say.
    Missing,
    /// Nanoseconds since the epoch.
    At(i64),
    /// By a calendar and a clock, mostly of a zone and a year that it does not say.
    Local(LocalTime),
}

/// What a calendar and a clock show, each within its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LocalTime {
    /// RFC 3164 has none.
    pub(super) year: Option<i16>,
    pub(super) month: i8,
    pub(super) day: i8,
    pub(super) hour: i8,
    pub(super) minute: i8,
    pub(super) second: i8,
    pub(super) nanosecond: i32,
    /// It does say the zone.
    pub(super) is_utc: bool,
}

impl<'a> Message<'a> {
    /// Takes a message apart, without what ends it.
    pub(super) fn read(whole: &'a str) -> Self {
        match priority(whole) {
            Some((priority, rest)) => Self::rfc5424(priority, rest, whole)
                .unwrap_or_else(|| legacy::read(Self::of_priority(priority), rest)),
            // Without a priority and a time there is nothing that makes it syslog.
            None => Some(legacy::read(Self::of_priority(PRIORITY_MISSING), whole))
                .filter(|message| message.when != When::Missing)
                .map_or_else(|| Self::failed(whole), |it| Self { has_priority: false, ..it }),
        }
    }

    fn of_priority(priority: u8) -> Self {
        Self {
            is_parsed: true,
            has_priority: true,
            facility: priority / 8,
            severity: priority % 8,
            when: When::Missing,
            host: "",
            app: "",
            procid: "",
            msgid: "",
            structured_data: "",
            text: "",
        }
    }

    fn failed(whole: &'a str) -> Self {
        let message = Self::of_priority(PRIORITY_MISSING);
        Self { is_parsed: false, has_priority: false, text: whole, ..message }
    }

    /// `1 TIME HOST APP PROCID MSGID SD[ TEXT]`; `None` if it is not that.
    fn rfc5424(priority: u8, rest: &'a str, whole: &'a str) -> Option<Self> {
        let (time, rest) = field(rest.strip_prefix("1 ")?)?;
        let when = match time {
            "" => When::Missing,
            time => When::At(time::parse_rfc3339(time)?),
        };
        let (host, rest) = field(rest)?;
        let (app, rest) = field(rest)?;
        let (procid, rest) = field(rest)?;
        // Some senders end after the header, without a blank.
        let (msgid, rest) = field(rest).or_else(|| last_field(rest))?;
        let message = Self { when, host, app, procid, msgid, ..Self::of_priority(priority) };
        Some(match structured_data::split(rest) {
            Some((structured_data, text)) => {
                let text = text.strip_prefix('\u{feff}').unwrap_or(text);
                // rsyslog's own template adds the blank that stood behind the tag.
                let text = text.strip_prefix(' ').unwrap_or(text);
                Self { structured_data, text, ..message }
            }
            None => Self { is_parsed: false, text: whole, ..message },
        })
    }
}

/// `<0>` to `<191>`, and what is behind it.
fn priority(whole: &str) -> Option<(u8, &str)> {
    let (digits, rest) = whole.strip_prefix('<')?.split_once('>')?;
    let is_number = digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let priority = is_number.then(|| digits.parse().ok())??;
    (priority <= 191).then_some((priority, rest))
}

/// A field of the header and what is behind its blank; `-` is an empty one.
fn field(rest: &str) -> Option<(&str, &str)> {
    let (field, rest) = rest.split_once(' ')?;
    let is_field = !field.is_empty() && field.len() <= FIELD_MAX_BYTES;
    is_field.then_some((if field == "-" { "" } else { field }, rest))
}

fn last_field(rest: &str) -> Option<(&str, &str)> {
    let is_field = !rest.is_empty() && rest.len() <= FIELD_MAX_BYTES;
    is_field.then_some((if rest == "-" { "" } else { rest }, ""))
}

#[cfg(test)]
mod tests;
