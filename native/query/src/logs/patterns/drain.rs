//! Drain: lines of one form meet in one leaf of a shallow tree, and join the most similar group there.
//!
//! After P. He, J. Zhu, Z. Zheng, M. R. Lyu: "Drain: An Online Log Parsing Approach with Fixed Depth
//! Tree" (ICWS 2017). The tree's two levels are one key here: how many tokens a line has, and its first
//! words that do not vary.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use hashbrown::HashMap;

use super::tokens::{tokens, varies};

/// What stands for tokens that differ.
const PLACEHOLDER: &str = "<_>";
/// Tokens that choose the leaf.
const KEY_TOKENS: usize = 3;
/// Lines with at least this part of a group's tokens belong to it, in tenths.
const SIMILARITY_MIN_TENTHS: usize = 5;
/// The most groups of one tree; lines that fit none of them are counted as a group of their own.
const GROUPS_MAX: usize = 300;

/// Lines of one form.
struct Group {
    /// `None` where they differ.
    tokens: Vec<Option<Box<str>>>,
    /// By step.
    counts: BTreeMap<i64, u64>,
}

/// Groups of the lines of one kind of source.
#[derive(Default)]
pub(super) struct Drain {
    leaves: HashMap<u64, Vec<usize>>,
    groups: Vec<Group>,
    /// Lines that came when there were too many groups.
    others: BTreeMap<i64, u64>,
}

impl Drain {
    /// Counts a line with those of its form; by how many bytes it made this grow.
    pub(super) fn learn(&mut self, line: &str, step: i64) -> u64 {
        let tokens = tokens(line);
        let leaf = self.leaves.entry(leaf_key(&tokens)).or_default();
        let similar = |&group: &usize| (similarity(&self.groups[group].tokens, &tokens), group);
        // Of equally similar groups the older one.
        let best = leaf.iter().map(similar).max_by_key(|&(same, group)| (same, usize::MAX - group));
        if let Some((same, group)) = best
            && same * 10 >= tokens.len() * SIMILARITY_MIN_TENTHS
        {
            let group = &mut self.groups[group];
            for (known, token) in group.tokens.iter_mut().zip(&tokens) {
                if known.as_deref().is_some_and(|known| known != *token) {
                    *known = None;
                }
            }
            return count(&mut group.counts, step);
        }
        if self.groups.len() >= GROUPS_MAX {
            return count(&mut self.others, step);
        }
        leaf.push(self.groups.len());
        let kept = |token: &&str| (!varies(token)).then(|| Box::from(*token));
        let tokens: Vec<Option<Box<str>>> = tokens.iter().map(kept).collect();
        let mut grown = (size_of::<Group>() + tokens.len() * size_of::<Box<str>>()) as u64;
        grown += tokens.iter().flatten().map(|token| token.len() as u64).sum::<u64>();
        let mut group = Group { tokens, counts: BTreeMap::new() };
        grown += count(&mut group.counts, step);
        self.groups.push(group);
        grown
    }

    /// The patterns, each with how many lines it has in each step.
    pub(super) fn finish(self) -> impl Iterator<Item = (String, BTreeMap<i64, u64>)> {
        let others = (PLACEHOLDER.to_owned(), self.others);
        let groups = self.groups.into_iter().map(|group| (pattern(&group.tokens), group.counts));
        groups.chain([others]).filter(|(_, counts)| !counts.is_empty())
    }
}

fn count(counts: &mut BTreeMap<i64, u64>, step: i64) -> u64 {
    const COUNT_BYTES: u64 = 24;
    let mut grown = 0;
    *counts.entry(step).or_insert_with(|| {
        grown = COUNT_BYTES;
        0
    }) += 1;
    grown
}

fn leaf_key(tokens: &[&str]) -> u64 {
    let mut hash = DefaultHasher::new();
    tokens.len().hash(&mut hash);
    for token in tokens.iter().take(KEY_TOKENS) {
        if varies(token) { PLACEHOLDER } else { token }.hash(&mut hash);
    }
    hash.finish()
}

/// How many tokens are the same; where a group's lines differ already, any token is.
fn similarity(group: &[Option<Box<str>>], tokens: &[&str]) -> usize {
    let is_same = |(known, token): (&Option<Box<str>>, &&str)| {
        known.as_deref().is_none_or(|known| known == *token)
    };
    if group.len() == tokens.len() {
        group.iter().zip(tokens).filter(|&pair| is_same(pair)).count()
    } else {
        0
    }
}

fn pattern(tokens: &[Option<Box<str>>]) -> String {
    let mut pattern = String::new();
    for token in tokens {
        match token {
            Some(token) => pattern.push_str(token),
            // Two placeholders beside each other are none that LogQL reads.
            None if pattern.ends_with(PLACEHOLDER) => {}
            None => pattern.push_str(PLACEHOLDER),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(lines: &[&str]) -> Vec<(String, u64)> {
        let mut drain = Drain::default();
        for line in lines {
            drain.learn(line, 0);
        }
        let mut found: Vec<_> =
            drain.finish().map(|(pattern, counts)| (pattern, counts[&0])).collect();
        found.sort();
        found
    }

    #[test]
    fn lines_that_differ_in_words_have_one_pattern() {
        let lines = [
            "GET /cart took 12ms for ada",
            "GET /cart took 7ms for eve",
            "GET /cart took 7ms for bob",
            "connection closed by peer",
        ];
        assert_eq!(
            learned(&lines),
            [
                ("GET /cart took <_> for <_>".to_owned(), 3),
                ("connection closed by peer".to_owned(), 1)
            ]
        );
    }

    #[test]
    fn pairs_keep_their_keys() {
        let lines = ["level=info user=ada id=17", "level=info user=eve id=x4"];
        assert_eq!(learned(&lines), [("level=info user=<_> id=<_>".to_owned(), 2)]);
    }

    #[test]
    fn placeholders_never_touch_each_other_and_no_text_is_taken_for_one() {
        assert_eq!(learned(&["at <init>() of 12"]), [("at <_>init<_>() of <_>".to_owned(), 1)]);
        assert_eq!(learned(&["<<1>>"]), [("<_>".to_owned(), 1)]);
    }

    #[test]
    fn a_group_too_many_is_counted_among_the_others() {
        let lines: Vec<String> = (0..GROUPS_MAX + 5)
            .map(|at| char::from_u32(0x4e00 + at as u32).unwrap().to_string())
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let found = learned(&lines);
        assert_eq!(found.len(), GROUPS_MAX + 1);
        assert!(found.contains(&("<_>".to_owned(), 5)));
    }
}
