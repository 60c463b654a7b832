//! The labels of one row on its way through a pipeline.

use std::{ops::Range, sync::Arc};

use varve_columnar::labels::LabelSet;

/// Why a stage could not do its work on a row.
pub(super) const ERROR: &str = "__error__";
/// The same, at length.
pub(super) const ERROR_DETAILS: &str = "__error_details__";
/// What a name gets that the stream has already.
const DUPLICATE_SUFFIX: &str = "_extracted";

/// The names of labels that matter to a query.
#[derive(Clone, Debug, Default)]
pub(super) struct WantedNames {
    /// With those that a name ending in [`DUPLICATE_SUFFIX`] may stand for.
    names: Vec<Box<str>>,
    /// A bit for each name's [`trait_of`]: nearly all others are known by it.
    traits: u64,
}

impl WantedNames {
    pub(super) fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut wanted = Self::default();
        for name in names {
            for name in [Some(name), name.strip_suffix(DUPLICATE_SUFFIX)].into_iter().flatten() {
                wanted.traits |= 1 << trait_of(name);
                wanted.names.push(name.into());
            }
        }
        wanted
    }

    /// Whether a label that is found under this name matters, be it under another name.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.traits & (1 << trait_of(name)) != 0 && self.names.iter().any(|one| **one == *name)
    }
}

/// A number below 64 by which most names differ.
fn trait_of(name: &str) -> usize {
    let bytes = name.as_bytes();
    let ends = bytes.first().zip(bytes.last());
    ends.map_or(0, |(&first, &last)| {
        (name.len() ^ usize::from(first) ^ (usize::from(last) << 2)) % u64::BITS as usize
    })
}

/// Where a label comes from; it is shown by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Category {
    Metadata,
    Parsed,
    /// The stream's label of this name is not there any more.
    Hidden,
}

#[derive(Clone, Debug)]
struct Label {
    category: Category,
    name: Range<usize>,
    value: Range<usize>,
}

/// The labels of one row. It is used for row after row, so that a row allocates nothing.
#[derive(Default)]
pub(super) struct RowLabels {
    index: Arc<LabelSet>,
    /// Names and values of `labels`, one after the other.
    text: String,
    labels: Vec<Label>,
    /// Names that a stage has set. The first parser that finds a name counts, even if its label was
    /// dropped since.
    settled: Vec<Range<usize>>,
    /// The only names that matter; all, where it is `None`.
    wanted: Option<Arc<WantedNames>>,
}

/// A row's labels by where they come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct LabelSets {
    pub(super) index: Arc<LabelSet>,
    pub(super) metadata: LabelSet,
    pub(super) parsed: LabelSet,
}

impl RowLabels {
    /// Leaves out labels of other names than these from now on, the stream's own apart. With `None`
    /// all are kept.
    pub(super) fn want_only(&mut self, names: Option<Arc<WantedNames>>) {
        self.wanted = names;
    }

    /// Whether a label that is found under this name matters, be it under another name.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| wanted.holds(name))
    }

    /// The next row, of a stream with these labels.
    pub(super) fn start(&mut self, index: &Arc<LabelSet>) {
        if !Arc::ptr_eq(&self.index, index) {
            self.index = Arc::clone(index);
        }
        self.text.clear();
        self.labels.clear();
        self.settled.clear();
    }

    /// A label's value; `None` if it is not there.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        match self.find(name) {
            Some(Label { category: Category::Hidden, .. }) => None,
            Some(label) => Some(&self.text[label.value.clone()]),
            None => Some(self.index.get(name)).filter(|value| !value.is_empty()),
        }
    }

    /// Adds structured metadata; of a name that comes twice the first counts.
    pub(super) fn add_metadata(&mut self, name: &str, value: &str) {
        if !self.wants(name) {
            return;
        }
        if self.index.contains(name) {
            let name = format!("{name}{DUPLICATE_SUFFIX}");
            if self.find(&name).is_none() {
                self.push(Category::Metadata, &name, value);
            }
        } else if self.find(name).is_none() {
            self.push(Category::Metadata, name, value);
        }
    }

    /// Sets a label that a parser found, unless one that is called so was set before. Labels of the stream
    /// and structured metadata of that name stay, and the new one is called otherwise.
    pub(super) fn set_extracted(&mut self, name: &str, value: &str) {
        self.extract(name, value, false);
    }

    /// The same, but the last one counts.
    pub(super) fn replace_extracted(&mut self, name: &str, value: &str) {
        self.extract(name, value, true);
    }

    fn extract(&mut self, name: &str, value: &str, replaces: bool) {
        if !self.wants(name) {
            return;
        }
        if self.is_taken(name) {
            let name = format!("{name}{DUPLICATE_SUFFIX}");
            if replaces || !self.is_settled(&name) {
                self.set(&name, value);
            }
        } else if replaces || !self.is_settled(name) {
            self.set(name, value);
        }
    }

    /// Whether the stream or structured metadata has a label of this name.
    fn is_taken(&self, name: &str) -> bool {
        self.index.contains(name)
            || self.find(name).is_some_and(|label| label.category == Category::Metadata)
    }

    fn is_settled(&self, name: &str) -> bool {
        self.settled.iter().any(|one| &self.text[one.clone()] == name)
    }

    /// Makes a label that is there and empty, unless the stream or structured metadata has one of that
    /// name.
    pub(super) fn set_empty(&mut self, name: &str) {
        if self.wants(name) && !self.is_taken(name) {
            self.set(name, "");
        }
    }

    /// Sets a label, whatever was there.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.take(name);
        self.push(Category::Parsed, name, value);
        if let Some(label) = self.labels.last() {
            self.settled.push(label.name.clone());
        }
    }

    /// Lets go of what was set under a name.
    fn take(&mut self, name: &str) {
        let text = &self.text;
        self.labels.retain(|label| &text[label.name.clone()] != name);
    }

    /// Notes that a stage failed, instead of what failed before.
    pub(super) fn set_error(&mut self, error: &str, details: &str) {
        self.set(ERROR, error);
        if !details.is_empty() {
            self.set(ERROR_DETAILS, details);
        }
    }

    /// Gives the label `from` the name `to`. Nothing happens where it is not there.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        let Some(value) = self.get(from).map(str::to_owned) else { return };
        self.set(to, &value);
        self.take(from);
        if self.index.contains(from) {
            self.push(Category::Hidden, from, "");
        }
    }

    /// Whether a stage failed.
    pub(super) fn has_error(&self) -> bool {
        self.get(ERROR).is_some()
    }

    /// Keeps the labels for which the answer is true.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) {
        let text = &self.text;
        let is_hidden = |labels: &[Label], name: &str| {
            labels.iter().any(|label| &text[label.name.clone()] == name)
        };
        let gone: Vec<String> = self
            .index
            .iter()
            .filter(|(name, value)| !is_hidden(&self.labels, name) && !keep(name, value))
            .map(|(name, _)| name.to_owned())
            .collect();
        let index = &self.index;
        self.labels.retain_mut(|label| {
            let name = &text[label.name.clone()];
            if label.category == Category::Hidden || keep(name, &text[label.value.clone()]) {
                return true;
            }
            // The stream's label that it stands for must not come back.
            label.category = Category::Hidden;
            index.contains(name)
        });
        for name in gone {
            self.push(Category::Hidden, &name, "");
        }
    }

    /// Calls `each` with all labels, those of the stream first.
    pub(super) fn visit<'l>(&'l self, mut each: impl FnMut(&'l str, &'l str)) {
        for (name, value) in self.index.iter().filter(|(name, _)| self.find(name).is_none()) {
            each(name, value);
        }
        for label in self.labels.iter().filter(|label| label.category != Category::Hidden) {
            each(&self.text[label.name.clone()], &self.text[label.value.clone()]);
        }
    }

    /// All labels. One that a stage set is there even if it is empty: it tells series apart.
    pub(super) fn merged(&self) -> LabelSet {
        let mut merged = LabelSet::clone(&self.index);
        for Label { category, name, value } in &self.labels {
            let (name, value) = (&self.text[name.clone()], &self.text[value.clone()]);
            match category {
                Category::Metadata => merged.set(name, value),
                Category::Parsed => merged.put(name, value),
                Category::Hidden => merged.remove(name),
            }
        }
        merged
    }

    /// All labels, by where they come from.
    pub(super) fn sets(&self) -> LabelSets {
        let of = |category| {
            let mut set = LabelSet::default();
            for label in self.labels.iter().filter(|label| label.category == category) {
                set.put(&self.text[label.name.clone()], &self.text[label.value.clone()]);
            }
            set
        };
        let mut index = Arc::clone(&self.index);
        if index.iter().any(|(name, _)| self.find(name).is_some()) {
            Arc::make_mut(&mut index).retain(|name, _| self.find(name).is_none());
        }
        LabelSets { index, metadata: of(Category::Metadata), parsed: of(Category::Parsed) }
    }

    fn find(&self, name: &str) -> Option<&Label> {
        self.labels.iter().find(|label| &self.text[label.name.clone()] == name)
    }

    fn push(&mut self, category: Category, name: &str, value: &str) {
        let start = self.text.len();
        self.text.push_str(name);
        let middle = self.text.len();
        self.text.push_str(value);
        let label = Label { category, name: start..middle, value: middle..self.text.len() };
        self.labels.push(label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> RowLabels {
        let mut labels = RowLabels::default();
        labels.start(&Arc::new(LabelSet::new([("app", "shop"), ("env", "prod")])));
        labels
    }

    #[test]
    fn names_that_the_stream_has_are_told_apart() {
        let mut labels = row();
        labels.add_metadata("app", "cart");
        labels.set_extracted("env", "dev");
        assert_eq!(labels.get("app"), Some("shop"));
        assert_eq!(labels.get("app_extracted"), Some("cart"));
        assert_eq!(labels.get("env_extracted"), Some("dev"));
    }

    #[test]
    fn what_is_read_from_the_line_leaves_metadata_of_the_same_name_alone() {
        let mut labels = row();
        labels.add_metadata("user", "ada");
        labels.add_metadata("user", "eve");
        assert_eq!(labels.get("user"), Some("ada"));
        labels.set_extracted("user", "bob");
        let sets = labels.sets();
        assert_eq!(sets.metadata, LabelSet::new([("user", "ada")]));
        assert_eq!(sets.parsed, LabelSet::new([("user_extracted", "bob")]));
    }

    #[test]
    fn the_first_parser_that_finds_a_name_counts_even_after_a_drop() {
        let mut labels = row();
        labels.set_extracted("user", "ada");
        labels.set_extracted("user", "bob");
        assert_eq!(labels.get("user"), Some("ada"));
        labels.retain(|name, _| name != "user");
        labels.set_extracted("user", "eve");
        assert_eq!(labels.get("user"), None);
        labels.replace_extracted("user", "eve");
        assert_eq!(labels.get("user"), Some("eve"));
    }

    #[test]
    fn dropped_labels_are_gone_from_all_categories() {
        let mut labels = row();
        labels.add_metadata("user", "ada");
        labels.set_extracted("level", "warn");
        labels.retain(|name, _| name == "env");
        assert_eq!(["app", "user", "env"].map(|name| labels.get(name)), [None, None, Some("prod")]);
        assert_eq!(*labels.sets().index, LabelSet::new([("env", "prod")]));
        assert_eq!(labels.merged(), LabelSet::new([("env", "prod")]));
    }

    #[test]
    fn names_that_do_not_matter_are_left_out() {
        let mut labels = row();
        labels.want_only(Some(Arc::new(WantedNames::of(["status", "app_extracted"]))));
        labels.add_metadata("user", "ada");
        labels.add_metadata("app", "cart");
        labels.set_extracted("status", "500");
        labels.set_extracted("path", "/");
        let sets = labels.sets();
        assert_eq!(sets.metadata, LabelSet::new([("app_extracted", "cart")]));
        assert_eq!(sets.parsed, LabelSet::new([("status", "500")]));
        labels.want_only(None);
        labels.add_metadata("user", "ada");
        assert_eq!(labels.get("user"), Some("ada"));
    }

    #[test]
    fn the_last_error_is_told() {
        let mut labels = row();
        labels.set_error("JSONParserErr", "no object");
        labels.set_error("TemplateFormatErr", "");
        assert_eq!(labels.get(ERROR), Some("TemplateFormatErr"));
        assert_eq!(labels.get(ERROR_DETAILS), Some("no object"));
    }

    #[test]
    fn a_renamed_label_is_the_querys_own_and_its_old_name_is_free() {
        let mut labels = row();
        labels.add_metadata("user", "ada");
        labels.rename("user", "who");
        labels.rename("app", "service");
        labels.rename("nothing", "env");
        let sets = labels.sets();
        assert!(sets.metadata.is_empty());
        assert_eq!(sets.parsed, LabelSet::new([("service", "shop"), ("who", "ada")]));
        assert_eq!(*sets.index, LabelSet::new([("env", "prod")]));
    }

    #[test]
    fn a_label_may_be_there_and_empty() {
        let mut labels = row();
        labels.set_extracted("user", "");
        assert_eq!(labels.get("user"), Some(""));
        assert_eq!(labels.sets().parsed.to_json(), r#"{"user":""}"#);
        assert!(labels.merged().contains("user"));
    }
}
