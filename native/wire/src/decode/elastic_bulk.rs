//! Elasticsearch's bulk body: lines of JSON, an action and the document that it is about in turn.
//!
//! A line that is no action makes the body one that cannot be read, since nobody knows what the lines
//! behind it are; whatever is wrong with a document is told of that document alone.

mod document;
mod items;

use std::{borrow::Cow, collections::HashMap, mem, rc::Rc};

use varve_columnar::{
    attributes::AttributeType,
    json_reader::{JsonError, JsonReader, Token},
    labels::LabelSet,
};

use super::{
    DecodeError, Decoded, Gate, Refusal,
    log_sink::{LogSink, Record, Stream, Surroundings},
    text,
};
use document::Document;
use items::{Items, Kind, Outcome};

const LAST_LINE: &str = "The bulk request must be terminated by a newline [\\n]";
const ACTION: &str = "expected an action: an object of create, index, update or delete";
const INDEX_MAX_BYTES: usize = 255;

/// Decodes a bulk body; `gate.target` is the index that the path names, for actions that name none.
pub(super) fn decode(body: &[u8], gate: Gate<'_>) -> Result<Decoded, DecodeError> {
    let body = text(body);
    let mut lines = Lines { rest: &body, number: 0 };
    let mut sink = BulkSink {
        logs: LogSink::new(gate),
        streams: HashMap::new(),
        key: String::new(),
        items: Items::new(gate.received_ns),
    };
    let answer_max_bytes = gate.limits.body_decompressed_max_bytes;
    while let Some(line) = lines.next_line()? {
        if line.trim().is_empty() {
            continue;
        }
        let action = Action::read(line, gate.target)
            .map_err(|source| DecodeError::Bulk { line: lines.number, source })?;
        if action.index.is_empty() {
            return Err(lines.error("expected _index, in the action or in the path"));
        }
        let outcome = match action.name.as_ref() {
            "create" | "index" => sink.document(lines.document()?, &action),
            "update" => {
                lines.document()?;
                sink.not_offered()
            }
            _ => sink.not_offered(),
        };
        sink.items.push(&action, &outcome);
        if sink.items.bytes() > answer_max_bytes {
            return Err(DecodeError::AnswerTooLarge { max_bytes: answer_max_bytes });
        }
    }
    if sink.items.is_empty() {
        return Err(lines.error("request body is required"));
    }
    let answer = sink.items.finish();
    Ok(Decoded { answer, ..sink.logs.finish()? })
}

/// The lines of a body, the last of which must end as well.
struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    fn next_line(&mut self) -> Result<Option<&'a str>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let (line, rest) = self.rest.split_once('\n').ok_or_else(|| self.error(LAST_LINE))?;
        self.rest = rest;
        Ok(Some(line))
    }

    fn document(&mut self) -> Result<&'a str, DecodeError> {
        self.next_line()?.ok_or_else(|| self.error("expected a document after the action"))
    }

    fn error(&self, expected: &'static str) -> DecodeError {
        DecodeError::Bulk { line: self.number, source: JsonError { expected, at: 0 } }
    }
}

/// `{"create": {"_index": "…", "_id": "…"}}`.
struct Action<'a> {
    name: Cow<'a, str>,
    index: Cow<'a, str>,
    /// Empty if the sender leaves it to us.
    id: Cow<'a, str>,
}

impl<'a> Action<'a> {
    fn read(line: &'a str, target: &'a str) -> Result<Self, JsonError> {
        let mut reader = JsonReader::new(line);
        if reader.value()? != Token::Object {
            return Err(reader.error(ACTION));
        }
        let name = reader.next_key()?.ok_or_else(|| reader.error(ACTION))?;
        let is_known = matches!(name.as_ref(), "create" | "index" | "update" | "delete");
        if !is_known || reader.value()? != Token::Object {
            return Err(reader.error(ACTION));
        }
        let mut action = Self { name, index: target.into(), id: "".into() };
        while let Some(key) = reader.next_key()? {
            match (key.as_ref(), reader.value()?) {
                ("_index", Token::String(index)) => action.index = index,
                ("_id", Token::String(id)) => action.id = id,
                ("_id", Token::Number(id)) => action.id = id.into(),
                (_, token) => reader.skip_rest_of(&token)?,
            }
        }
        if reader.next_key()?.is_some() {
            return Err(reader.error("expected one action in its line"));
        }
        reader.end()?;
        Ok(action)
    }
}

struct BulkSink<'l> {
    logs: LogSink<'l>,
    /// By the labels' values: most documents share theirs with another.
    streams: HashMap<String, Rc<Stream>>,
    /// Where the key of the document at hand is written.
    key: String,
    items: Items,
}

impl BulkSink<'_> {
    /// Takes a document as a record, or says why not.
    fn document(&mut self, source: &str, action: &Action<'_>) -> Outcome {
        let limits = self.logs.gate.limits;
        let max_bytes = limits.line_max_bytes.saturating_add(limits.attributes_max_bytes);
        if source.len() > max_bytes {
            let message = format!(
                "the document has {} bytes, over limits.line_max_bytes and \
                 limits.attributes_max_bytes together, {max_bytes}",
                source.len()
            );
            return self.refused("documentTooLarge", Kind::Argument, message);
        }
        let index: &str = &action.index;
        if index.len() > INDEX_MAX_BYTES || index.chars().any(char::is_control) {
            let message = format!(
                "an index has 1 to {INDEX_MAX_BYTES} bytes, none of them control characters"
            );
            return self.refused("indexInvalid", Kind::IndexName, message);
        }
        let document = match Document::read(source) {
            Ok(document) => document,
            Err(error) => {
                return self.refused("documentInvalid", Kind::Document, error.to_string());
            }
        };
        let time_ns = match document.time {
            None => self.logs.received_ns(),
            Some(Ok(time_ns)) => time_ns,
            Some(Err(as_sent)) => {
                let message =
                    format!("@timestamp '{as_sent}' is no time: RFC 3339 or epoch_millis");
                return self.refused("timeInvalid", Kind::Document, message);
            }
        };
        self.push_attributes(&document, action);
        let stream = self.stream([index, &document.service, &document.host]);
        let record = Record {
            time_unix_nano: time_ns,
            body: Some((AttributeType::String, document.line)),
            severity_text: document.level.into(),
            trace_id: document.trace_id,
            span_id: document.span_id,
            ..Record::default()
        };
        // Of this record alone, since each is answered for.
        let before = mem::take(&mut self.logs.refusals);
        self.logs.accept(&stream, &Surroundings::default(), &record);
        let own = mem::replace(&mut self.logs.refusals, before).0.into_iter().next();
        let Some(Refusal { reason, message, .. }) = own else { return Outcome::Created };
        let kind = if reason == "streamsTooMany" { Kind::Later } else { Kind::Argument };
        self.logs.refusals.add(reason, 1, || message.clone());
        Outcome::Refused { kind, message }
    }

    fn push_attributes(&mut self, document: &Document<'_>, action: &Action<'_>) {
        let attributes = &mut self.logs.builder.attributes;
        if !action.id.is_empty() {
            attributes.push("_id", AttributeType::String, &action.id);
        }
        for (key, value) in &document.fields {
            attributes.push_value(key.as_bytes(), value);
        }
    }

    fn refused(&mut self, reason: &'static str, kind: Kind, message: String) -> Outcome {
        self.logs.refuse(reason, || message.clone());
        Outcome::Refused { kind, message }
    }

    fn not_offered(&mut self) -> Outcome {
        let message = "logs are only added: send create or index".to_owned();
        self.refused("actionNotOffered", Kind::Argument, message)
    }

    fn stream(&mut self, parts: [&str; 3]) -> Rc<Stream> {
        let max_bytes = self.logs.gate.limits.label_value_max_bytes;
        let parts = parts.map(|text| &text[..text.floor_char_boundary(max_bytes)]);
        self.key.clear();
        for part in parts {
            // With its length, so that keys are as different as their parts.
            self.key.push_str(&part.len().to_string());
            self.key.push(' ');
            self.key.push_str(part);
        }
        if let Some(stream) = self.streams.get(&self.key) {
            return stream.clone();
        }
        let [index, service, host] = parts;
        let labels =
            [("job", "elasticsearch"), ("index", index), ("service_name", service), ("host", host)];
        let labels = labels.into_iter().filter(|(_, value)| !value.is_empty());
        let stream = Rc::new(self.logs.stream(LabelSet::new(labels)));
        self.streams.insert(self.key.clone(), stream.clone());
        stream
    }
}

#[cfg(test)]
mod tests;
