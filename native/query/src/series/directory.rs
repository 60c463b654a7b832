//! Which of the stored label sets a selector asks for.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};
use memchr::memmem::Finder;
use varve_columnar::labels::LabelSet;
use varve_types::TenantId;

use crate::{
    context::TENANT_LABEL,
    error::QueryError,
    matcher::Matchers,
    plan::{LabelMatcher, MatchOp},
};

/// Which label sets match, asked once per text and tenant however many segments and batches have it.
///
/// Senders repeat their series in the same order, scrape by scrape. So each text remembers which
/// one came after it; where the guess is right, and mostly it is, finding a text again is one
/// comparison with memory that is next in line instead of a hash and two jumps (20,000 series in
/// 240 batches: from 495 to 307 ms for the whole query, bench: `series_bench`).
pub(super) struct Directory<'a> {
    matchers: &'a Matchers,
    tenant: Option<&'a TenantId>,
    /// Texts without all of these cannot match: the canonical texts of the `=` matchers' labels.
    needles: Vec<Finder<'static>>,
    hasher: DefaultHashBuilder,
    /// Indexes into `known`.
    by_text: HashTable<usize>,
    known: Vec<Known>,
    /// All texts of `known`, one after the other.
    texts: String,
    /// Index of the text that was looked up last.
    last: usize,
    /// The label sets that match, by number.
    matched: Vec<LabelSet>,
}

/// A text that was seen before.
struct Known {
    /// Where it is in `Directory::texts`.
    start: usize,
    end: usize,
    /// Its number among those that match; `None` if it does not.
    number: Option<usize>,
    /// Index of the text that came after it the last time.
    follower: usize,
}

impl<'a> Directory<'a> {
    /// A directory for one selector and tenant. `matchers` is `written`, compiled.
    pub(super) fn new(
        written: &[LabelMatcher],
        matchers: &'a Matchers,
        tenant: Option<&'a TenantId>,
    ) -> Self {
        let needles = written
            .iter()
            .filter(|matcher| matcher.op == MatchOp::Equal && !matcher.value.is_empty())
            // In a read of several tenants this label is on no stored series.
            .filter(|matcher| tenant.is_none() || matcher.name != TENANT_LABEL)
            .map(|matcher| {
                let text = LabelSet::new([(&*matcher.name, &*matcher.value)]).to_json();
                Finder::new(&text.as_bytes()[1..text.len() - 1]).into_owned()
            })
            .collect();
        Self {
            matchers,
            tenant,
            needles,
            hasher: DefaultHashBuilder::default(),
            by_text: HashTable::new(),
            // The empty text is no label set. It stands before the first one.
            known: vec![Known { start: 0, end: 0, number: None, follower: 0 }],
            texts: String::new(),
            last: 0,
            matched: Vec::new(),
        }
    }

    /// The number of a label set among those that match; `None` for one that does not.
    pub(super) fn number_of(&mut self, text: &str) -> Result<Option<usize>, QueryError> {
        let guess = self.known[self.last].follower;
        let at = if self.text(guess) == text { guess } else { self.find(text)? };
        self.known[self.last].follower = at;
        self.last = at;
        Ok(self.known[at].number)
    }

    /// How many match.
    pub(super) fn matched_count(&self) -> usize {
        self.matched.len()
    }

    /// Those that match, by number.
    pub(super) fn into_matched(self) -> Vec<LabelSet> {
        self.matched
    }

    fn text(&self, at: usize) -> &str {
        &self.texts[self.known[at].start..self.known[at].end]
    }

    /// The index of a text that is known or from now on is.
    fn find(&mut self, text: &str) -> Result<usize, QueryError> {
        let hash = self.hasher.hash_one(text);
        if let Some(&at) = self.by_text.find(hash, |&at| self.text(at) == text) {
            return Ok(at);
        }
        let number = self.match_text(text)?.map(|labels| {
            self.matched.push(labels);
            self.matched.len() - 1
        });
        let (at, start) = (self.known.len(), self.texts.len());
        self.texts.push_str(text);
        self.known.push(Known { start, end: self.texts.len(), number, follower: 0 });
        let Self { by_text, known, texts, hasher, .. } = self;
        by_text
            .insert_unique(hash, at, |&at| hasher.hash_one(&texts[known[at].start..known[at].end]));
        Ok(at)
    }

    fn match_text(&self, text: &str) -> Result<Option<LabelSet>, QueryError> {
        if self.needles.iter().any(|needle| needle.find(text.as_bytes()).is_none()) {
            return Ok(None);
        }
        let labels = read_labels(text, self.tenant)?;
        Ok(self.matchers.matches(&labels).then_some(labels))
    }
}

/// A stored label set, with its tenant's label in a read of several tenants.
pub(super) fn read_labels(text: &str, tenant: Option<&TenantId>) -> Result<LabelSet, QueryError> {
    let mut labels =
        LabelSet::from_json(text).map_err(|error| QueryError::invalid(error.to_string()))?;
    if let Some(tenant) = tenant {
        labels.set(TENANT_LABEL, tenant.as_str());
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_set_keeps_its_number_in_whatever_order_it_comes_again() {
        let written = [LabelMatcher { name: "a".into(), op: MatchOp::Equal, value: "x\"".into() }];
        let matchers = Matchers::compile(&written).unwrap();
        let mut directory = Directory::new(&written, &matchers, None);
        let texts = [r#"{"a":"x\""}"#, r#"{"a":"y"}"#, r#"{"a":"x\"","b":"1"}"#];
        let mut numbers =
            |order: [usize; 3]| order.map(|at| directory.number_of(texts[at]).unwrap());
        assert_eq!(numbers([0, 1, 2]), [Some(0), None, Some(1)]);
        assert_eq!(numbers([0, 1, 2]), [Some(0), None, Some(1)]);
        assert_eq!(numbers([2, 0, 1]), [Some(1), Some(0), None]);
        assert_eq!(directory.into_matched().len(), 2);
    }
}
