//! Messages cut from a byte stream, counted or ended by a line feed, told apart for each.

use memchr::memchr2;

use super::{Arrived, Packer, Sender};

/// A count has at most this many digits; more of them are text.
const COUNT_DIGITS_MAX: usize = 9;

/// The framing of one connection (RFC 6587, RFC 5425).
///
/// A message is counted if it starts with a length, a blank and `<`: with a length alone, a line that
/// happens to start with a number would swallow those behind it. Any other is ended by a line feed or
/// a NUL. A message over the limit is cut there, and its rest is skipped without being held.
#[derive(Debug)]
pub struct Framing {
    message_max_bytes: usize,
    sender: Sender,
    state: State,
    /// What of the message at hand came with earlier chunks, at most the limit.
    held: Vec<u8>,
    is_truncated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between messages.
    Between,
    /// In what may be a length; its characters are held.
    Count,
    /// In a counted message, of which so many bytes are to come.
    Counted { left: usize },
    /// In a message that a line feed ends.
    Line,
}

impl Framing {
    /// The framing of a new connection; `message_max_bytes` is what is kept of one message.
    #[must_use]
    pub fn new(message_max_bytes: usize, sender: Sender) -> Self {
        let (state, held) = (State::Between, Vec::new());
        Self { message_max_bytes, sender, state, held, is_truncated: false }
    }

    /// Writes the messages that are complete with this chunk.
    pub fn push(&mut self, mut chunk: &[u8], received_ns: i64, out: &mut Packer) {
        out.start_section(&self.sender, received_ns);
        while !chunk.is_empty() {
            chunk = match self.state {
                State::Between => self.start(chunk),
                State::Count => self.count(chunk),
                State::Counted { left } => self.counted(chunk, left, out),
                State::Line => self.line(chunk, out),
            };
        }
    }

    /// The connection ended: writes the message it ended in, if there is one.
    pub fn finish(&mut self, received_ns: i64, out: &mut Packer) {
        out.start_section(&self.sender, received_ns);
        if self.state != State::Between && !self.held.is_empty() {
            self.emit(&[], true, out);
        }
        self.state = State::Between;
    }

    /// Skips what ends messages or stands between them, and finds out how the next is framed.
    fn start<'a>(&mut self, chunk: &'a [u8]) -> &'a [u8] {
        let is_between = |byte: &u8| matches!(byte, b'\n' | b'\r' | 0 | b' ');
        let at = chunk.iter().take_while(|byte| is_between(byte)).count();
        let rest = chunk.get(at..).unwrap_or_default();
        self.state = match rest.first() {
            None => State::Between,
            Some(b'1'..=b'9') => State::Count,
            Some(_) => State::Line,
        };
        rest
    }

    /// Reads a length, its blank and the `<` behind; anything else makes it the start of a line.
    fn count<'a>(&mut self, chunk: &'a [u8]) -> &'a [u8] {
        let mut rest = chunk;
        while let Some((&byte, behind)) = rest.split_first() {
            let is_blank_read = self.held.last() == Some(&b' ');
            match byte {
                b'0'..=b'9' if !is_blank_read && self.held.len() < COUNT_DIGITS_MAX => {}
                b' ' if !is_blank_read => {}
                b'<' if is_blank_read => {
                    let digits = self.held.iter().filter(|byte| byte.is_ascii_digit());
                    let left = digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
                    self.held.clear();
                    self.state = State::Counted { left };
                    return rest;
                }
                _ => {
                    self.state = State::Line;
                    return rest;
                }
            }
            self.held.push(byte);
            rest = behind;
        }
        rest
    }

    fn counted<'a>(&mut self, chunk: &'a [u8], left: usize, out: &mut Packer) -> &'a [u8] {
        let (part, rest) = chunk.split_at(left.min(chunk.len()));
        if part.len() == left {
            self.emit(part, false, out);
        } else {
            self.hold(part);
            self.state = State::Counted { left: left - part.len() };
        }
        rest
    }

    fn line<'a>(&mut self, chunk: &'a [u8], out: &mut Packer) -> &'a [u8] {
        let Some(end) = memchr2(b'\n', 0, chunk) else {
            self.hold(chunk);
            return &[];
        };
        let (part, rest) = chunk.split_at(end);
        self.emit(part, false, out);
        rest
    }

    /// Keeps a part of the message at hand, as far as the limit goes.
    fn hold(&mut self, part: &[u8]) {
        let room = self.message_max_bytes - self.held.len();
        self.is_truncated |= part.len() > room;
        self.held.extend_from_slice(part.get(..room).unwrap_or(part));
    }

    /// Writes the message at hand, of which `part` is the last part.
    fn emit(&mut self, part: &[u8], is_partial: bool, out: &mut Packer) {
        if self.held.is_empty() {
            // The usual case: the whole message is in the chunk, and is copied once.
            let bytes = part.get(..self.message_max_bytes).unwrap_or(part);
            let is_truncated = bytes.len() < part.len();
            out.push(Arrived { bytes, is_truncated, is_partial });
        } else {
            self.hold(part);
            out.push(Arrived { bytes: &self.held, is_truncated: self.is_truncated, is_partial });
            self.held.clear();
            // A connection that sent one long message need not hold its room for ever.
            self.held.shrink_to(4_096);
        }
        self.is_truncated = false;
        self.state = State::Between;
    }
}

#[cfg(test)]
mod tests;
