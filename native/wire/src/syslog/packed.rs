//! The packed form: sections of one sender each, every message with its length and what befell it.
//!
//! A section: length of its messages (u32), time of receipt (i64, nanoseconds since the epoch), length
//! of the peer's address and of its certificate's name (u8 each), both texts, the messages. A message:
//! its length shifted left by two, with [`TRUNCATED`] and [`PARTIAL`] below (u32), and its bytes. All
//! numbers are little-endian. It never leaves the process, so it has no version.

/// The message was longer than the limit; this is its start.
const TRUNCATED: u32 = 1;
/// The connection ended within the message.
const PARTIAL: u32 = 2;

const SECTION_HEAD_BYTES: usize = 4 + 8 + 1 + 1;

/// Who sent a section's messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// Its address, without the port.
    pub address: String,
    /// The name in its certificate; empty if it showed none.
    pub name: String,
}

/// One message, as it arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrived<'a> {
    /// Without what framed it.
    pub bytes: &'a [u8],
    /// It was longer than the limit; this is its start.
    pub is_truncated: bool,
    /// The connection ended within it.
    pub is_partial: bool,
}

/// Writes messages into the packed form.
#[derive(Debug, Default)]
pub struct Packer {
    bytes: Vec<u8>,
    /// Where the open section starts, and where its messages do.
    open: Option<(usize, usize)>,
    messages: u64,
}

impl Packer {
    /// Starts a section, which ends where the next one starts.
    pub fn start_section(&mut self, sender: &Sender, received_ns: i64) {
        self.end_section();
        let start = self.bytes.len();
        let (address, name) = (short(&sender.address), short(&sender.name));
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&received_ns.to_le_bytes());
        self.bytes.extend([address.len() as u8, name.len() as u8]);
        self.bytes.extend_from_slice(address.as_bytes());
        self.bytes.extend_from_slice(name.as_bytes());
        self.open = Some((start, self.bytes.len()));
    }

    /// Appends a message to the section.
    pub fn push(&mut self, message: Arrived<'_>) {
        debug_assert!(self.open.is_some(), "a message belongs to a section");
        let flags = if message.is_truncated { TRUNCATED } else { 0 }
            | if message.is_partial { PARTIAL } else { 0 };
        self.bytes.extend_from_slice(&((message.bytes.len() as u32) << 2 | flags).to_le_bytes());
        self.bytes.extend_from_slice(message.bytes);
        self.messages += 1;
    }

    /// Bytes written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Messages written so far.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// The body of all sections; a new one is begun.
    pub fn take(&mut self) -> Vec<u8> {
        self.end_section();
        self.messages = 0;
        std::mem::take(&mut self.bytes)
    }

    /// A section without messages is taken back.
    fn end_section(&mut self) {
        let Some((start, messages)) = self.open.take() else { return };
        let length = self.bytes.len() - messages;
        if length == 0 {
            self.bytes.truncate(start);
        } else if let Some(head) = self.bytes.get_mut(start..start + 4) {
            head.copy_from_slice(&(length as u32).to_le_bytes());
        }
    }
}

/// As much of a text as its length's byte can tell.
fn short(text: &str) -> &str {
    text.get(..text.floor_char_boundary(255)).unwrap_or_default()
}

/// The sections of a packed body. Bytes that are no section end it with `Err`.
#[derive(Clone, Debug)]
pub struct Sections<'a>(&'a [u8]);

/// The messages of one sender.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    /// The sender's address.
    pub address: &'a str,
    /// The name in its certificate; empty if it showed none.
    pub name: &'a str,
    /// Nanoseconds since the epoch.
    pub received_ns: i64,
    messages: &'a [u8],
}

/// The bytes are not of the packed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPacked;

impl<'a> Sections<'a> {
    /// The sections of a body.
    #[must_use]
    pub fn new(body: &'a [u8]) -> Self {
        Self(body)
    }

    fn section(&mut self) -> Option<Section<'a>> {
        let (head, rest) = self.0.split_at_checked(SECTION_HEAD_BYTES)?;
        let length = u32::from_le_bytes(head.get(..4)?.try_into().ok()?);
        let received_ns = i64::from_le_bytes(head.get(4..12)?.try_into().ok()?);
        let (address, rest) = rest.split_at_checked(usize::from(*head.get(12)?))?;
        let (name, rest) = rest.split_at_checked(usize::from(*head.get(13)?))?;
        let (messages, rest) = rest.split_at_checked(length as usize)?;
        self.0 = rest;
        let (address, name) = (str::from_utf8(address).ok()?, str::from_utf8(name).ok()?);
        Some(Section { address, name, received_ns, messages })
    }
}

impl<'a> Iterator for Sections<'a> {
    type Item = Result<Section<'a>, NotPacked>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let section = self.section().ok_or(NotPacked);
        if section.is_err() {
            self.0 = &[];
        }
        Some(section)
    }
}

impl<'a> Section<'a> {
    fn message(&mut self) -> Option<Arrived<'a>> {
        let (head, rest) = self.messages.split_at_checked(4)?;
        let head = u32::from_le_bytes(head.try_into().ok()?);
        let (bytes, rest) = rest.split_at_checked((head >> 2) as usize)?;
        self.messages = rest;
        let (is_truncated, is_partial) = (head & TRUNCATED != 0, head & PARTIAL != 0);
        Some(Arrived { bytes, is_truncated, is_partial })
    }
}

impl<'a> Iterator for Section<'a> {
    type Item = Result<Arrived<'a>, NotPacked>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.messages.is_empty() {
            return None;
        }
        let message = self.message().ok_or(NotPacked);
        if message.is_err() {
            self.messages = &[];
        }
        Some(message)
    }
}
