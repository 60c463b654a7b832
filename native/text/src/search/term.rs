//! One word of a query, and which tokens are it.

use std::borrow::Cow;

/// A word, in lower case.
#[derive(Debug)]
pub(super) enum Term {
    Whole(Box<str>),
    Prefix(Box<str>),
    Fuzzy { letters: Box<[char]>, edits: usize },
}

/// In lower case, as words are compared.
pub(super) fn lower(token: &str) -> Cow<'_, str> {
    if token.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        Cow::Borrowed(token)
    } else {
        Cow::Owned(token.to_lowercase())
    }
}

impl Term {
    pub(super) fn whole(word: &str) -> Self {
        Self::Whole(lower(word).into())
    }

    pub(super) fn prefix(word: &str) -> Self {
        Self::Prefix(lower(word).into())
    }

    pub(super) fn fuzzy(word: &str, edits: u8) -> Self {
        Self::Fuzzy { letters: lower(word).chars().collect(), edits: edits.into() }
    }

    /// Whether a token, given in lower case, is the word.
    pub(super) fn is(&self, token: &str) -> bool {
        match self {
            Self::Whole(word) => **word == *token,
            Self::Prefix(word) => token.starts_with(&**word),
            Self::Fuzzy { letters, edits } => is_within(letters, token, *edits),
        }
    }
}

/// Whether so many insertions, deletions and substitutions of letters make one of the other.
fn is_within(letters: &[char], token: &str, edits: usize) -> bool {
    // A letter has one to four bytes, so most tokens are known by their length.
    if token.len() + edits < letters.len() || token.len() > (letters.len() + edits) * 4 {
        return false;
    }
    let mut row: Vec<usize> = (0..=letters.len()).collect();
    for (above, letter) in token.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        let mut least = left;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, &wanted) in row.iter_mut().skip(1).zip(letters) {
            let cost = (diagonal + usize::from(wanted != letter)).min(left + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = cost;
            left = cost;
            least = least.min(cost);
        }
        if least > edits {
            return false;
        }
    }
    row.last().is_some_and(|&distance| distance <= edits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Levenshtein's distance by its definition.
    fn distance(a: &[char], b: &[char]) -> usize {
        match (a, b) {
            ([], rest) | (rest, []) => rest.len(),
            ([x, a_rest @ ..], [y, b_rest @ ..]) => {
                let replaced = distance(a_rest, b_rest) + usize::from(x != y);
                replaced.min(distance(a_rest, b) + 1).min(distance(a, b_rest) + 1)
            }
        }
    }

    proptest! {
        #[test]
        fn edits_are_counted_as_levenshtein_does(a in "[abü]{0,5}", b in "[abü]{0,5}", edits in 0usize..3) {
            let letters: Vec<char> = a.chars().collect();
            let other: Vec<char> = b.chars().collect();
            prop_assert_eq!(is_within(&letters, &b, edits), distance(&letters, &other) <= edits);
        }
    }

    #[test]
    fn case_does_not_count() {
        assert!(Term::whole("ÜBER").is(&lower("über")));
        assert!(Term::prefix("Decl").is(&lower("DECLINED")));
        assert!(Term::fuzzy("Payment", 1).is(&lower("PAYMNT")));
        assert!(!Term::fuzzy("payment", 1).is("pymnt"));
    }
}
