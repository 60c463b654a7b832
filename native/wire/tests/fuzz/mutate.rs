//! Bodies made worse: byte by byte, and by the form of what they are.

use serde_json::Value as Json;

use crate::random::Random;

/// Bytes that often matter: lengths that lie, ends of texts, signs, halves of characters.
const TELLING: [&[u8]; 12] = [
    &[0x00],
    &[0xff],
    &[0x80],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0x80, 0x80, 0x80, 0x80, 0x08],
    b"\"",
    b"{[",
    b"}",
    b"\n",
    b"\\u",
    "é".as_bytes(),
];

const NUMBERS: [u64; 9] =
    [0, 1, 127, 128, 1 << 31, 1 << 63, u64::MAX, 0x7ff0_0000_0000_0002, 0x7ff8_0000_0000_0001];

/// Another body, which may be anything but is at most `max_bytes` long.
pub(crate) fn bytes(body: &[u8], other: &[u8], max_bytes: usize, random: &mut Random) -> Vec<u8> {
    let mut out = body.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(out.len() + 1);
        match random.below(7) {
            0 => out.truncate(at),
            1 if at < out.len() => out[at] ^= 1 << random.below(8),
            2 => out.splice(at..at, telling(random).iter().copied()).for_each(drop),
            3 => {
                let end = (at + random.below(16)).min(out.len());
                out.drain(at..end);
            }
            4 => {
                let from = random.below(other.len() + 1);
                out.splice(at.., other[from..].iter().copied()).for_each(drop);
            }
            5 => {
                let end = (at + random.below(64)).min(out.len());
                let part = out[at..end].to_vec();
                let times = random.magnitude(16).min(max_bytes / (part.len() + 1));
                out.splice(at..at, part.repeat(times)).for_each(drop);
            }
            _ => {
                let end = (at + 1 + random.below(8)).min(out.len());
                out[at..end].iter_mut().for_each(|byte| *byte = random.next() as u8);
            }
        }
        out.truncate(max_bytes);
    }
    out
}

fn telling(random: &mut Random) -> &'static [u8] {
    random.pick(&TELLING).copied().unwrap_or_default()
}

/// A protobuf field: its tag, and its value.
#[derive(Clone)]
struct Field {
    tag: u64,
    value: FieldValue,
}

#[derive(Clone)]
enum FieldValue {
    Varint(u64),
    Fixed(Vec<u8>),
    Bytes(Vec<u8>),
    Message(Vec<Field>),
}

/// A body of protobuf that is still protobuf: fields twice, a thousand times, gone, moved, of another
/// number or value. `None` if the body is not protobuf.
pub(crate) fn protobuf(body: &[u8], max_bytes: usize, random: &mut Random) -> Option<Vec<u8>> {
    let mut fields = read(body, 0)?;
    for _ in 0..=random.below(3) {
        change(&mut fields, max_bytes, random);
    }
    let mut out = Vec::new();
    write(&fields, max_bytes, &mut out);
    Some(out)
}

fn change(fields: &mut Vec<Field>, max_bytes: usize, random: &mut Random) {
    let at = random.below(fields.len());
    let Some(field) = fields.get_mut(at) else { return };
    if let FieldValue::Message(inner) = &mut field.value
        && !random.one_in(4)
    {
        change(inner, max_bytes, random);
        return;
    }
    match random.below(6) {
        0 => drop(fields.remove(at)),
        1 => {
            let copy = field.clone();
            // More would not be written.
            let times = random.magnitude(14).min(max_bytes / bytes_of(&copy));
            fields.extend(std::iter::repeat_n(copy, times));
        }
        2 => field.tag = field.tag & 7 | (1 + random.below(20) as u64) << 3,
        3 => field.tag = field.tag & !7 | random.below(6) as u64,
        4 => {
            let to = random.below(fields.len());
            fields.swap(at, to);
        }
        _ => match &mut field.value {
            FieldValue::Varint(number) => {
                *number = random.pick(&NUMBERS).copied().unwrap_or_else(|| random.next());
            }
            FieldValue::Fixed(bytes) => {
                let number = random.pick(&NUMBERS).copied().unwrap_or_default().to_le_bytes();
                bytes.iter_mut().zip(number).for_each(|(byte, new)| *byte = new);
            }
            FieldValue::Bytes(bytes) => {
                let times = random.magnitude(16);
                *bytes = telling(random).repeat(times);
            }
            FieldValue::Message(inner) => inner.clear(),
        },
    }
}

/// At least as many as it is written with.
fn bytes_of(field: &Field) -> usize {
    let value = match &field.value {
        FieldValue::Varint(_) => 10,
        FieldValue::Fixed(bytes) | FieldValue::Bytes(bytes) => 10 + bytes.len(),
        FieldValue::Message(inner) => 10 + inner.iter().map(bytes_of).sum::<usize>(),
    };
    10 + value
}

fn read(mut bytes: &[u8], depth: u32) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let value = match tag & 7 {
            0 => FieldValue::Varint(varint(&mut bytes)?),
            kind @ (1 | 5) => {
                let (fixed, rest) = bytes.split_at_checked(if kind == 1 { 8 } else { 4 })?;
                bytes = rest;
                FieldValue::Fixed(fixed.to_vec())
            }
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (inner, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                let message =
                    if depth < 16 && !inner.is_empty() { read(inner, depth + 1) } else { None };
                message.map_or_else(|| FieldValue::Bytes(inner.to_vec()), FieldValue::Message)
            }
            _ => return None,
        };
        if tag >> 3 == 0 {
            return None;
        }
        fields.push(Field { tag, value });
    }
    Some(fields)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn write(fields: &[Field], max_bytes: usize, out: &mut Vec<u8>) {
    for Field { tag, value } in fields {
        if out.len() >= max_bytes {
            return;
        }
        let start = out.len();
        push_varint(*tag, out);
        match value {
            FieldValue::Varint(number) => push_varint(*number, out),
            FieldValue::Fixed(bytes) => out.extend_from_slice(bytes),
            FieldValue::Bytes(bytes) => {
                push_varint(bytes.len() as u64, out);
                out.extend_from_slice(bytes);
            }
            FieldValue::Message(inner) => {
                let mut message = Vec::new();
                write(inner, max_bytes.saturating_sub(start), &mut message);
                push_varint(message.len() as u64, out);
                out.extend_from_slice(&message);
            }
        }
    }
}

fn push_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Lines of JSON that are still JSON, and not much longer than `max_bytes`. `None` if one of them is none.
pub(crate) fn json(body: &[u8], max_bytes: usize, random: &mut Random) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    let lines: Result<Vec<Json>, _> = text.lines().map(serde_json::from_str).collect();
    let mut lines = lines.ok()?;
    let at = random.below(lines.len());
    change_json(lines.get_mut(at)?, max_bytes, random);
    let mut out = String::new();
    for line in lines {
        out.push_str(&line.to_string());
        out.push('\n');
    }
    Some(out.into_bytes())
}

fn change_json(value: &mut Json, max_bytes: usize, random: &mut Random) {
    let most = |copy: &Json| max_bytes / copy.to_string().len();
    if !random.one_in(5) {
        match value {
            Json::Array(items) if !items.is_empty() => {
                let at = random.below(items.len());
                if random.one_in(4) {
                    let copy = items[at].clone();
                    let times = random.magnitude(12).min(most(&copy));
                    items.extend(std::iter::repeat_n(copy, times));
                } else {
                    change_json(&mut items[at], max_bytes, random);
                }
                return;
            }
            Json::Object(pairs) if !pairs.is_empty() => {
                let at = random.below(pairs.len());
                let key = pairs.keys().nth(at).cloned().unwrap_or_default();
                if random.one_in(6) {
                    pairs.remove(&key);
                } else if let Some(inner) = pairs.get_mut(&key) {
                    change_json(inner, max_bytes, random);
                }
                return;
            }
            _ => {}
        }
    }
    *value = match random.below(8) {
        0 => Json::Null,
        1 => Json::Bool(true),
        2 => Json::from(random.next()),
        3 => Json::from(-1.5e300),
        4 => Json::from(String::from_utf8_lossy(&telling(random).repeat(random.below(300)))),
        5 => Json::from("NaN"),
        6 => Json::Array(vec![value.clone(); random.below(100).min(most(value))]),
        _ => serde_json::json!({ "a": value.clone(), "": [] }),
    };
}
