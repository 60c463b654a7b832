//! Label sets: the identity of streams and series.

use std::{fmt::Write as _, sync::Arc};

/// Labels sorted by name, names unique, no empty values (an empty value means the label is not there).
///
/// The canonical text (`to_json`) is the identity on disk and in dictionaries.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelSet(Vec<(Arc<str>, Arc<str>)>);

/// Up to so many labels looking at each is faster than halving.
const FEW_LABELS: usize = 16;

/// Why a text is not a canonical label set.
#[derive(Debug, thiserror::Error)]
#[error("'{text}' is not a label set: {reason}")]
pub struct LabelSetError {
    /// The text.
    pub text: String,
    /// What was wrong.
    pub reason: String,
}

impl LabelSet {
    /// A set of these labels; of a name that comes twice, the last value counts. Empty values are left out.
    pub fn new<N: Into<Arc<str>>, V: Into<Arc<str>>>(
        labels: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let labels = labels.into_iter().map(|(name, value)| (name.into(), value.into()));
        let mut labels: Vec<(Arc<str>, Arc<str>)> = labels.collect();
        // Backwards, as of those of one name the first stays. Sorted once: setting one after the other
        // would move all those behind it each time.
        labels.reverse();
        labels.sort_by(|a, b| a.0.cmp(&b.0));
        labels.dedup_by(|later, first| later.0 == first.0);
        labels.retain(|(_, value)| !value.is_empty());
        Self(labels)
    }

    /// What the set holds in memory, in bytes, roughly.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        // Beside its texts a label has two pointers with lengths, and two counters for each of them.
        self.iter().map(|(name, value)| name.len() + value.len() + 64).sum()
    }

    /// A name without a value, which is no label of a stream: how Loki tells what is summed by name.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        Self(vec![(name.into(), "".into())])
    }

    /// The value of a label; `""` where there is none, as all matchers see it.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.find(name).map_or("", |at| &self.0[at].1)
    }

    /// Whether the label is there.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Sets a label; an empty value takes it away.
    pub fn set(&mut self, name: impl Into<Arc<str>>, value: impl Into<Arc<str>>) {
        let (name, value) = (name.into(), value.into());
        match (self.position(&name), value.is_empty()) {
            (Ok(at), false) => self.0[at].1 = value,
            (Ok(at), true) => drop(self.0.remove(at)),
            (Err(at), false) => self.0.insert(at, (name, value)),
            (Err(_), true) => {}
        }
    }

    /// Sets a label, to an empty value too: for sets that are only shown, where a query made a label
    /// that is there and empty. Such a set is no stream's and no series'.
    pub fn put(&mut self, name: impl Into<Arc<str>>, value: impl Into<Arc<str>>) {
        let (name, value) = (name.into(), value.into());
        match self.position(&name) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    /// Takes a label away.
    pub fn remove(&mut self, name: &str) {
        if let Ok(at) = self.position(name) {
            self.0.remove(at);
        }
    }

    /// Keeps the labels for which the answer is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) {
        self.0.retain(|(name, value)| keep(name, value));
    }

    /// The labels by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// How many labels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The canonical text: a JSON object, keys sorted by bytes, no blanks.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = String::with_capacity(2 + self.0.len() * 32);
        write_canonical(&mut text, self.iter());
        text
    }

    /// Reads a canonical text.
    pub fn from_json(text: &str) -> Result<Self, LabelSetError> {
        let map: std::collections::BTreeMap<String, String> = serde_json::from_str(text)
            .map_err(|error| LabelSetError { text: text.to_owned(), reason: error.to_string() })?;
        Ok(Self(map.into_iter().map(|(name, value)| (name.into(), value.into())).collect()))
    }

    /// Where the label is. Pipelines ask this several times a row: of few names most are known to be others
    /// by their lengths, which takes no comparing of bytes.
    fn find(&self, name: &str) -> Option<usize> {
        if self.0.len() <= FEW_LABELS {
            self.0.iter().position(|(have, _)| **have == *name)
        } else {
            self.position(name).ok()
        }
    }

    /// Where the label is, or where it would be.
    fn position(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(have, _)| have.as_ref().cmp(name))
    }
}

/// Appends the canonical text of labels that are sorted by name, names unique, no value empty.
pub fn write_canonical<'a>(out: &mut String, labels: impl Iterator<Item = (&'a str, &'a str)>) {
    out.push('{');
    for (at, (name, value)) in labels.enumerate() {
        out.push_str(if at == 0 { "" } else { "," });
        write_quoted(out, name);
        out.push(':');
        write_quoted(out, value);
    }
    out.push('}');
}

fn write_quoted(out: &mut String, text: &str) {
    // Almost no label needs an escape; looking for one is cheaper than writing byte by byte.
    if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        // Writing to a String cannot fail.
        let _ = write!(out, "{}", serde_json::Value::from(text));
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_sorted_names_and_no_empty_values() {
        let set = LabelSet::new([("b", "2"), ("a", "say \"hi\""), ("c", "")]);
        assert_eq!(set.to_json(), r#"{"a":"say \"hi\"","b":"2"}"#);
        assert_eq!(LabelSet::from_json(&set.to_json()).unwrap(), set);
    }
}
