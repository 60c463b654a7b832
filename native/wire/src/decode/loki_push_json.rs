//! Loki's push in JSON, in its present form and that of `/api/prom/push`.

use std::borrow::Cow;

use varve_columnar::json_reader::{JsonError, JsonReader, Token};

use super::{
    DecodeError, Decoded, Gate, log_sink::Stream, loki_labels::Label, loki_push::PushSink, text,
    time,
};

pub(super) fn decode(body: &[u8], gate: Gate<'_>) -> Result<Decoded, DecodeError> {
    let body = text(body);
    let mut reader = JsonReader::new(&body);
    let mut sink = PushSink::new(gate);
    expect(&mut reader, &Token::Object, "expected an object")?;
    while let Some(key) = reader.next_key()? {
        if key == "streams" {
            each_item(&mut reader, |reader| stream(reader, &mut sink))?;
        } else {
            reader.skip_value()?;
        }
    }
    reader.end()?;
    sink.finish()
}

/// `{"stream": {…}, "values": […]}` or `{"labels": "{…}", "entries": […]}`, in any order.
fn stream(reader: &mut JsonReader<'_>, sink: &mut PushSink<'_>) -> Result<(), DecodeError> {
    let (mut labels, mut entries) = (None, Vec::new());
    expect(reader, &Token::Object, "expected a stream")?;
    while let Some(key) = reader.next_key()? {
        match key.as_ref() {
            "stream" => labels = Some(StreamLabels::Pairs(pairs(reader)?)),
            "labels" => labels = Some(StreamLabels::Text(string(reader, "expected labels")?)),
            "values" | "entries" => {
                // Read only once the labels are known, which may stand behind them.
                entries.push((reader.clone(), key == "values"));
                reader.skip_value()?;
            }
            _ => reader.skip_value()?,
        }
    }
    let mut count = 0;
    for (mut items, _) in entries.clone() {
        each_item(&mut items, |items| {
            count += 1;
            items.skip_value()
        })?;
    }
    let stream = match labels {
        Some(StreamLabels::Pairs(pairs)) => sink.stream_of_pairs(&pairs, count),
        Some(StreamLabels::Text(text)) => sink.stream_of_text(&text, count)?,
        None => sink.stream(&[], count),
    };
    let Some(stream) = stream else { return Ok(()) };
    for (mut items, are_values) in entries {
        each_item(&mut items, |items| {
            if are_values { value(items, &stream, sink) } else { entry(items, &stream, sink) }
        })?;
    }
    Ok(())
}

enum StreamLabels<'a> {
    Pairs(Vec<Label<'a>>),
    Text(Cow<'a, str>),
}

/// `["<nanoseconds>", "<line>"]`, or with an object of structured metadata as third item.
fn value(
    reader: &mut JsonReader<'_>,
    stream: &Stream,
    sink: &mut PushSink<'_>,
) -> Result<(), JsonError> {
    const SHAPE: &str = "an entry is [\"<nanoseconds>\", \"<line>\"] or has an object after them";
    expect(reader, &Token::Array, SHAPE)?;
    let item = |reader: &mut JsonReader<'_>| {
        if reader.next_item()? { Ok(()) } else { Err(reader.error(SHAPE)) }
    };
    item(reader)?;
    let digits = string(reader, "expected a string of nanoseconds")?;
    let time_ns = digits.parse().map_err(|_| reader.error("expected a string of nanoseconds"))?;
    item(reader)?;
    let line = string(reader, "expected the line as a string")?;
    if reader.next_item()? {
        metadata(reader, sink)?;
        if reader.next_item()? {
            return Err(reader.error(SHAPE));
        }
    }
    sink.accept(stream, time_ns, line);
    Ok(())
}

/// `{"ts": "<RFC 3339>", "line": "…"}`.
fn entry(
    reader: &mut JsonReader<'_>,
    stream: &Stream,
    sink: &mut PushSink<'_>,
) -> Result<(), JsonError> {
    let (mut time_ns, mut line) = (0, Cow::Borrowed(""));
    expect(reader, &Token::Object, "expected an entry")?;
    while let Some(key) = reader.next_key()? {
        match key.as_ref() {
            "ts" | "timestamp" => {
                let time = string(reader, "expected a time in RFC 3339")?;
                time_ns = time::parse_rfc3339(&time)
                    .ok_or_else(|| reader.error("expected a time in RFC 3339"))?;
            }
            "line" => line = string(reader, "expected the line as a string")?,
            _ => reader.skip_value()?,
        }
    }
    sink.accept(stream, time_ns, line);
    Ok(())
}

/// Unlike a label's, it may not be a number.
const METADATA_VALUE: &str = "expected a string of structured metadata";

/// A flat object; or, as in Loki's own answers, one under the key `structuredMetadata`.
fn metadata(reader: &mut JsonReader<'_>, sink: &mut PushSink<'_>) -> Result<(), JsonError> {
    expect(reader, &Token::Object, "expected an object of structured metadata")?;
    while let Some(key) = reader.next_key()? {
        match reader.value()? {
            Token::Object if key == "structuredMetadata" => {
                while let Some(key) = reader.next_key()? {
                    sink.push_metadata(&key, &string(reader, METADATA_VALUE)?);
                }
            }
            Token::String(value) => sink.push_metadata(&key, &value),
            _ => return Err(reader.error(METADATA_VALUE)),
        }
    }
    Ok(())
}

fn pairs<'a>(reader: &mut JsonReader<'a>) -> Result<Vec<Label<'a>>, JsonError> {
    let mut pairs = Vec::new();
    expect(reader, &Token::Object, "expected an object of labels")?;
    while let Some(key) = reader.next_key()? {
        pairs.push((key, scalar(reader)?));
    }
    Ok(pairs)
}

fn scalar<'a>(reader: &mut JsonReader<'a>) -> Result<Cow<'a, str>, JsonError> {
    match reader.value()? {
        Token::Array | Token::Object => Err(reader.error("expected a string")),
        token => Ok(text_of(token)),
    }
}

/// A scalar as text: what is no string is taken as it is written, as Loki takes it.
fn text_of(token: Token<'_>) -> Cow<'_, str> {
    match token {
        Token::String(text) => text,
        Token::Number(digits) => digits.into(),
        Token::Bool(true) => "true".into(),
        Token::Bool(false) => "false".into(),
        Token::Null | Token::Array | Token::Object => "".into(),
    }
}

fn string<'a>(
    reader: &mut JsonReader<'a>,
    expected: &'static str,
) -> Result<Cow<'a, str>, JsonError> {
    match reader.value()? {
        Token::String(text) => Ok(text),
        _ => Err(reader.error(expected)),
    }
}

fn expect(
    reader: &mut JsonReader<'_>,
    token: &Token<'_>,
    expected: &'static str,
) -> Result<(), JsonError> {
    if reader.value()? == *token { Ok(()) } else { Err(reader.error(expected)) }
}

/// Calls `each` before every item of an array; `null` has none.
fn each_item<'a, E: From<JsonError>>(
    reader: &mut JsonReader<'a>,
    mut each: impl FnMut(&mut JsonReader<'a>) -> Result<(), E>,
) -> Result<(), E> {
    match reader.value()? {
        Token::Null => return Ok(()),
        Token::Array => {}
        _ => return Err(reader.error("expected an array").into()),
    }
    while reader.next_item()? {
        each(reader)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
