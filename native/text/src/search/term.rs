//! One word of a query, and which tokens are it.

use std::{borrow::Cow, fmt};

use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder};

/// A word, in lower case.
#[derive(Debug)]
pub(super) enum Term {
    Whole(Box<str>),
    Prefix(Box<str>),
    Fuzzy(Misspelt),
}

/// In lower case, as words are compared.
pub(super) fn lower(token: &str) -> Cow<'_, str> {
    if token.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        Cow::Borrowed(token)
    } else {
        Cow::Owned(token.to_lowercase())
    }
}

/// A word of which so many letters may be other ones, missing or too many.
pub(super) struct Misspelt {
    automaton: DFA,
    edits: u8,
}

impl Misspelt {
    fn accepts(&self, token: &str) -> bool {
        matches!(self.automaton.eval(token), Distance::Exact(edits) if edits <= self.edits)
    }
}

impl fmt::Debug for Misspelt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Misspelt").field("edits", &self.edits).finish_non_exhaustive()
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
        // Two letters that changed places are two edits, as in search engines' `~`.
        let automata = LevenshteinAutomatonBuilder::new(edits, false);
        Self::Fuzzy(Misspelt { automaton: automata.build_dfa(&lower(word)), edits })
    }

    /// Whether a token, given in lower case, is the word.
    pub(super) fn is(&self, token: &str) -> bool {
        match self {
            Self::Whole(word) => **word == *token,
            Self::Prefix(word) => token.starts_with(&**word),
            Self::Fuzzy(misspelt) => misspelt.accepts(token),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_letters_not_bytes() {
        let uber = Term::fuzzy("über", 1);
        assert!(["über", "uber", "übe", "übers", "üßer"].iter().all(|token| uber.is(token)));
        assert!(["ubers", "eübr", "üb"].iter().all(|token| !uber.is(token)));
        let card = Term::fuzzy("card", 2);
        assert!(["cadr", "cd", "wards", "card"].iter().all(|token| card.is(token)));
        assert!(["c", "dra", "wardrobe"].iter().all(|token| !card.is(token)));
    }

    #[test]
    fn case_does_not_count() {
        assert!(Term::whole("ÜBER").is(&lower("über")));
        assert!(Term::prefix("Decl").is(&lower("DECLINED")));
        assert!(Term::fuzzy("Payment", 1).is(&lower("PAYMNT")));
        assert!(!Term::fuzzy("payment", 1).is("pymnt"));
    }
}
