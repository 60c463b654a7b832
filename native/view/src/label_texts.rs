//! Texts of label sets, each in memory once however many segments have it.

use std::{collections::HashSet, sync::Arc};

use parking_lot::Mutex;
use varve_segment::Directory;

/// Every text of the open segments' directories. A series is in each segment of its lifetime, and its
/// text is longer than all else that a directory says of it.
#[derive(Default)]
pub(crate) struct LabelTexts(Mutex<HashSet<Arc<str>>>);

impl LabelTexts {
    /// Makes the directory use the texts that are here already; its others are here from now on.
    pub(crate) fn share(&self, directory: &mut Directory) {
        let mut texts = self.0.lock();
        for set in &mut directory.label_sets {
            match texts.get(&set.text) {
                Some(known) => set.text = known.clone(),
                None => drop(texts.insert(set.text.clone())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use varve_segment::LabelSetRange;

    use super::*;

    fn directory(texts: &[&str]) -> Directory {
        let set = |text: &&str| LabelSetRange {
            text: Arc::from(*text),
            rows: 0..1,
            time_range: (0, 0),
            count: 1,
            bytes: 0,
        };
        Directory { label_sets: texts.iter().map(set).collect(), ..Directory::default() }
    }

    #[test]
    fn equal_texts_of_two_segments_are_one_in_memory() {
        let texts = LabelTexts::default();
        let (mut first, mut second) = (directory(&["a", "b"]), directory(&["b", "c"]));
        texts.share(&mut first);
        texts.share(&mut second);
        let text = |directory: &Directory, at: usize| directory.label_sets[at].text.clone();
        assert!(Arc::ptr_eq(&text(&first, 1), &text(&second, 0)));
        assert_eq!([&*text(&first, 0), &*text(&second, 1)], ["a", "c"]);
    }
}
