//! Searching for words as people write them: case does not count, words may be cut short or misspelt,
//! and lines that say rare words often come first.

mod term;

use self::term::Term;
use crate::tokens::tokens;

/// What is searched for. A text is taken apart into tokens, which are found one behind the other.
#[derive(Clone, Debug, PartialEq)]
pub enum TextQuery {
    /// A word or phrase.
    Phrase(String),
    /// The same, and the last word may go on.
    Prefix(String),
    /// A word with so many letters changed, missing or too many.
    Fuzzy(String, u8),
    /// All of them.
    All(Vec<TextQuery>),
    /// At least one of them.
    Any(Vec<TextQuery>),
    /// Lines without it.
    Not(Box<TextQuery>),
}

/// Why a query cannot be searched for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// There is nothing to look up.
    #[error("'{0}' has no letter and no digit to search for")]
    NoWord(String),
    /// A misspelt phrase.
    #[error("'{0}' is more than one word; `~` takes one")]
    ManyWords(String),
    /// A misspelt one.
    #[error("'{0}' has more than {MISSPELT_MAX_BYTES} bytes; search for its beginning with `*`")]
    WordTooLong(String),
    /// More would be another word.
    #[error("{0} letters of a word may not be wrong, only {EDITS_MAX}")]
    TooManyEdits(u8),
    /// Each word is compared with every token.
    #[error("the query has more than {TERMS_MAX} words; search for less at once")]
    TooMany,
}

/// The most letters of a word that may be wrong, and the longest word of which some may: an automaton takes
/// some 50 KiB for each letter of its word, and many times that with another edit.
const EDITS_MAX: u8 = 2;
const MISSPELT_MAX_BYTES: usize = 32;

/// The most words of a query.
const TERMS_MAX: usize = 64;

/// BM25's usual constants: how soon a repeated word counts no more, and how much long lines are held back.
const SATURATION: f32 = 1.2;
const LENGTH_WEIGHT: f32 = 0.75;
/// Tokens of a line of middle length; a constant, so that a line's score does not hang on other lines.
const TOKENS_TYPICAL: f32 = 24.0;

/// A compiled query.
#[derive(Debug)]
pub struct Search {
    terms: Vec<Term>,
    root: Node,
}

#[derive(Debug)]
enum Node {
    /// One behind the other; indexes into the terms.
    Run(Vec<usize>),
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
}

/// How many blocks of lines there are, and by term how many have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TermCounts {
    /// All blocks that were counted.
    pub blocks: u64,
    /// In the order of the query's words.
    pub with_term: Vec<u64>,
}

impl TermCounts {
    /// Adds another index's.
    pub fn add(&mut self, other: &Self) {
        self.blocks += other.blocks;
        self.with_term.resize(self.with_term.len().max(other.with_term.len()), 0);
        for (count, more) in self.with_term.iter_mut().zip(&other.with_term) {
            *count += more;
        }
    }

    /// How much a term tells (BM25's inverse document frequency, a block being a document).
    fn rarity(&self, term: usize) -> f32 {
        let with_term = self.with_term.get(term).copied().unwrap_or_default() as f32;
        let without = (self.blocks as f32 - with_term).max(0.0);
        (1.0 + (without + 0.5) / (with_term + 0.5)).ln()
    }
}

/// What a line is worth, and the words that made it so, as they are spelled in it.
#[derive(Debug, Default, PartialEq)]
pub struct Scored {
    /// More is better.
    pub score: f32,
    /// Where words were found, as bytes of the line; ascending.
    pub places: Vec<(u32, u32)>,
}

impl Search {
    /// Compiles a query.
    pub fn compile(query: &TextQuery) -> Result<Self, SearchError> {
        let mut terms = Vec::new();
        let root = node(query, &mut terms)?;
        if terms.len() > TERMS_MAX { Err(SearchError::TooMany) } else { Ok(Self { terms, root }) }
    }

    pub(crate) fn terms(&self) -> usize {
        self.terms.len()
    }

    /// Calls `each` with every term that a token is.
    pub(crate) fn each_term_of(&self, token: &str, each: &mut impl FnMut(usize)) {
        let lower = term::lower(token);
        for (number, term) in self.terms.iter().enumerate() {
            if term.is(&lower) {
                each(number);
            }
        }
    }

    /// The blocks that may hold a line that is found, given by term those that may hold it.
    pub(crate) fn blocks(&self, with_term: &[Vec<bool>], count: usize) -> Vec<bool> {
        blocks_of(&self.root, with_term, count)
    }

    /// What a line is worth; `None` where it is not found.
    #[must_use]
    pub fn score(&self, line: &str, counts: &TermCounts) -> Option<Scored> {
        let mut found = Found { positions: vec![Vec::new(); self.terms.len()], tokens: 0 };
        let mut places = Vec::new();
        for (position, token) in (0..).zip(tokens(line)) {
            found.tokens += 1;
            let mut is_found = false;
            self.each_term_of(token, &mut |term| {
                is_found = true;
                if let Some(positions) = found.positions.get_mut(term) {
                    positions.push(position);
                }
            });
            if is_found {
                let start = token.as_ptr() as usize - line.as_ptr() as usize;
                places.push((start as u32, (start + token.len()) as u32));
            }
        }
        found.score(&self.root, counts).map(|score| Scored { score, places })
    }
}

fn node(query: &TextQuery, terms: &mut Vec<Term>) -> Result<Node, SearchError> {
    let mut run = |text: &str, last: fn(&str) -> Term| {
        let words: Vec<&str> = tokens(text).collect();
        let Some((end, before)) = words.split_last() else {
            return Err(SearchError::NoWord(text.to_owned()));
        };
        let first = terms.len();
        terms.extend(before.iter().map(|word| Term::whole(word)));
        terms.push(last(end));
        Ok(Node::Run((first..terms.len()).collect()))
    };
    let nodes = |parts: &[TextQuery], terms: &mut Vec<Term>| {
        parts.iter().map(|part| node(part, terms)).collect::<Result<Vec<_>, _>>()
    };
    Ok(match query {
        TextQuery::Phrase(text) => run(text, Term::whole)?,
        TextQuery::Prefix(text) => run(text, Term::prefix)?,
        TextQuery::Fuzzy(text, edits) => {
            let mut words = tokens(text);
            let word = words.next().ok_or_else(|| SearchError::NoWord(text.clone()))?;
            if words.next().is_some() {
                return Err(SearchError::ManyWords(text.clone()));
            }
            if word.len() > MISSPELT_MAX_BYTES {
                return Err(SearchError::WordTooLong(word.to_owned()));
            }
            if *edits > EDITS_MAX {
                return Err(SearchError::TooManyEdits(*edits));
            }
            terms.push(Term::fuzzy(word, *edits));
            Node::Run(vec![terms.len() - 1])
        }
        TextQuery::All(parts) => Node::All(nodes(parts, terms)?),
        TextQuery::Any(parts) => Node::Any(nodes(parts, terms)?),
        TextQuery::Not(part) => Node::Not(Box::new(node(part, terms)?)),
    })
}

fn blocks_of(node: &Node, with_term: &[Vec<bool>], count: usize) -> Vec<bool> {
    let both = |mut held: Vec<bool>, more: &[bool], join: fn(bool, bool) -> bool| {
        for (block, hit) in held.iter_mut().zip(more) {
            *block = join(*block, *hit);
        }
        held
    };
    match node {
        Node::Run(run) => run
            .iter()
            .filter_map(|&term| with_term.get(term))
            .fold(vec![true; count], |held, hits| both(held, hits, |a, b| a & b)),
        Node::All(parts) => parts.iter().fold(vec![true; count], |held, part| {
            both(held, &blocks_of(part, with_term, count), |a, b| a & b)
        }),
        Node::Any(parts) => parts.iter().fold(vec![false; count], |held, part| {
            both(held, &blocks_of(part, with_term, count), |a, b| a | b)
        }),
        // A block with the word has other lines without it.
        Node::Not(_) => vec![true; count],
    }
}

/// Where the terms are in one line.
struct Found {
    /// By term, ascending.
    positions: Vec<Vec<u32>>,
    tokens: u32,
}

impl Found {
    fn score(&self, node: &Node, counts: &TermCounts) -> Option<f32> {
        match node {
            Node::Run(run) => {
                let often = self.times(run) as f32;
                let rarity: f32 = run.iter().map(|&term| counts.rarity(term)).sum();
                let length = self.tokens as f32 / TOKENS_TYPICAL;
                let held_back = SATURATION * (1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * length);
                (often > 0.0).then(|| rarity * often * (SATURATION + 1.0) / (often + held_back))
            }
            Node::All(parts) => parts.iter().map(|part| self.score(part, counts)).sum(),
            Node::Any(parts) => {
                let scores = parts.iter().filter_map(|part| self.score(part, counts));
                scores.reduce(|sum, score| sum + score)
            }
            Node::Not(part) => self.score(part, counts).is_none().then_some(0.0),
        }
    }

    /// How often the terms stand one behind the other.
    fn times(&self, run: &[usize]) -> usize {
        let at = |term: usize| self.positions.get(term).map_or(&[][..], Vec::as_slice);
        let Some((&first, rest)) = run.split_first() else { return 0 };
        let follows = |&&start: &&u32| {
            (start + 1..).zip(rest).all(|(wanted, &term)| at(term).binary_search(&wanted).is_ok())
        };
        at(first).iter().filter(follows).count()
    }
}

#[cfg(test)]
mod tests;
