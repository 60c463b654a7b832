//! Tokens of a line, and what a needle says about the tokens of lines that hold it.

/// Longer tokens (base64, hex dumps) are not indexed; their block gets [`LONG_TOKEN`] instead.
pub(crate) const TOKEN_MAX_BYTES: usize = 128;

/// In every block with a token over [`TOKEN_MAX_BYTES`]: any needle may be in there. No token of a line
/// is spelled so.
pub(crate) const LONG_TOKEN: &str = "\u{0}";

/// Maximal runs of letters and digits.
pub(crate) fn tokens(line: &str) -> Tokens<'_> {
    Tokens { line, at: 0 }
}

/// See [`tokens`].
pub(crate) struct Tokens<'a> {
    line: &'a str,
    at: usize,
}

impl Tokens<'_> {
    /// Moves on over letters that are, or are not, part of a token.
    fn skip_while(&mut self, is_in_token: bool) {
        while let Some(&byte) = self.line.as_bytes().get(self.at) {
            // Nearly all of most lines is ASCII, which needs no decoding.
            let (in_token, bytes) = if byte.is_ascii() {
                (ASCII_IN_TOKEN[usize::from(byte)], 1)
            } else {
                let letter = self.line[self.at..].chars().next().unwrap_or_default();
                (letter.is_alphanumeric(), letter.len_utf8())
            };
            if in_token != is_in_token {
                return;
            }
            self.at += bytes;
        }
    }
}

/// One look at a table instead of six comparisons.
static ASCII_IN_TOKEN: [bool; 128] = {
    let mut table = [false; 128];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.skip_while(false);
        let start = self.at;
        self.skip_while(true);
        (start < self.at).then(|| &self.line[start..self.at])
    }
}

/// What must be true of one token of every line that holds the needle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// It is this.
    Whole(&'a str),
    /// It starts with this.
    Prefix(&'a str),
    /// It ends with this.
    Suffix(&'a str),
    /// It has this inside, or at an end.
    Inside(&'a str),
}

/// What a needle says about tokens. A token that the needle cuts at its own edge may go on in the line.
pub(crate) fn pieces(needle: &str) -> Vec<Piece<'_>> {
    let starts_inside = needle.chars().next().is_some_and(char::is_alphanumeric);
    let ends_inside = needle.chars().next_back().is_some_and(char::is_alphanumeric);
    let runs: Vec<&str> = tokens(needle).collect();
    let last = runs.len().saturating_sub(1);
    runs.iter()
        .enumerate()
        .map(|(index, run)| match (index == 0 && starts_inside, index == last && ends_inside) {
            (true, true) => Piece::Inside(run),
            (true, false) => Piece::Suffix(run),
            (false, true) => Piece::Prefix(run),
            (false, false) => Piece::Whole(run),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tokens_are_what_splitting_at_other_letters_leaves(line in "[a-z0-9 =/.\\PC]{0,40}") {
            let split = line.split(|letter: char| !letter.is_alphanumeric());
            let expected: Vec<&str> = split.filter(|token| !token.is_empty()).collect();
            prop_assert_eq!(tokens(&line).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_needle_says_what_its_inner_and_its_edge_tokens_are() {
        assert_eq!(
            pieces("lined: order 17"),
            [Piece::Suffix("lined"), Piece::Whole("order"), Piece::Prefix("17")]
        );
        assert_eq!(pieces("\"id\":"), [Piece::Whole("id")]);
        assert_eq!(pieces("decl"), [Piece::Inside("decl")]);
        assert_eq!(pieces(": "), []);
    }

    #[test]
    fn tokens_are_runs_of_letters_and_digits_of_any_script() {
        assert_eq!(
            tokens("GET /über?x=1_b—日本").collect::<Vec<_>>(),
            ["GET", "über", "x", "1", "b", "日本"]
        );
    }
}
