//! The answer to a bulk body: what became of each of its actions, in their order.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::Action;

/// What became of an action.
pub(super) enum Outcome {
    Created,
    Refused { kind: Kind, message: String },
}

/// What a refusal is for Elasticsearch's clients, which send only 429 again.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Document,
    Argument,
    IndexName,
    Later,
}

impl Kind {
    fn status_and_type(self) -> (u16, &'static str) {
        match self {
            Self::Document => (400, "document_parsing_exception"),
            Self::Argument => (400, "illegal_argument_exception"),
            Self::IndexName => (400, "invalid_index_name_exception"),
            Self::Later => (429, "es_rejected_execution_exception"),
        }
    }
}

/// `"errors":…,"items":[…]`, written as the actions are read.
pub(super) struct Items {
    written: Vec<u8>,
    count: u64,
    has_errors: bool,
    received_ns: i64,
}

impl Items {
    pub(super) fn new(received_ns: i64) -> Self {
        Self { written: Vec::new(), count: 0, has_errors: false, received_ns }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn bytes(&self) -> usize {
        self.written.len()
    }

    pub(super) fn push(&mut self, action: &Action<'_>, outcome: &Outcome) {
        if self.count > 0 {
            self.written.push(b',');
        }
        let id = if action.id.is_empty() { self.made_id() } else { action.id.to_string() };
        self.count += 1;
        let (name, index) = (&*action.name, &*action.index);
        let item = match outcome {
            Outcome::Created => {
                let result = "created";
                json!({ "_index": index, "_id": id, "_version": 1, "result": result, "status": 201 })
            }
            Outcome::Refused { kind, message } => {
                self.has_errors = true;
                let (status, kind) = kind.status_and_type();
                let error = json!({ "type": kind, "reason": message });
                json!({ "_index": index, "_id": id, "status": status, "error": error })
            }
        };
        self.written.extend_from_slice(json!({ name: item }).to_string().as_bytes());
    }

    /// An id of Elasticsearch's form, of 20 characters, for a document that has none.
    fn made_id(&self) -> String {
        let id = (self.received_ns as u128) << 56 | u128::from(self.count & (u64::MAX >> 8));
        let [_, bytes @ ..] = id.to_be_bytes();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let mut answer = format!("\"errors\":{},\"items\":[", self.has_errors).into_bytes();
        answer.extend_from_slice(&self.written);
        answer.push(b']');
        answer
    }
}
