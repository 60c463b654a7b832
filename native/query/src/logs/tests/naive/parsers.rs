//! What the naive interpreter reads from lines.

use std::collections::{BTreeMap, BTreeSet};

use super::Labels;

/// Where labels come from.
#[derive(Default)]
pub(super) struct Origins {
    pub(super) metadata: BTreeSet<String>,
    /// Names that a parser or a format has set, whatever became of them.
    pub(super) settled: BTreeSet<String>,
}

impl Origins {
    pub(super) fn note(&mut self, name: &str) {
        self.metadata.remove(name);
        self.settled.insert(name.to_owned());
    }
}

pub(super) fn extract(labels: &mut Labels, origins: &mut Origins, name: &str, value: &str) {
    // The stream has the label `app`, whatever became of it.
    let is_taken = name == "app" || origins.metadata.contains(name);
    let name = if is_taken { format!("{name}_extracted") } else { name.to_owned() };
    if origins.settled.insert(name.clone()) {
        labels.insert(name, value.to_owned());
    }
}

pub(super) fn read_json(line: &str, labels: &mut Labels, origins: &mut Origins) {
    if let Ok(members) = serde_json::from_str::<BTreeMap<String, String>>(line) {
        for (name, value) in members {
            extract(labels, origins, &name, &value);
        }
    } else {
        let details = "Value looks like object, but can't find closing '}' symbol";
        fail(labels, "JSONParserErr", details);
    }
}

pub(super) fn fail(labels: &mut Labels, error: &str, details: &str) {
    labels.insert("__error__".into(), error.into());
    labels.insert("__error_details__".into(), details.into());
}
