//! Patterns of label filters, as Loki takes them: words and `.*` alone are looked for anywhere in the value
//! (`level=~"e.*"` holds of `debug`), although they are said to be anchored; all other patterns are anchored.
//!
//! Loki makes a search for words of what Go's parser makes of the pattern, so alternatives that begin alike
//! are told from others here too.

use crate::matcher::TextMatcher;

/// What a pattern comes to: the value holds one of these.
#[derive(Debug, PartialEq, Eq)]
enum Test {
    Any,
    NotEmpty,
    Equal(String),
    Contains(String),
}

/// A pattern of words.
#[derive(Debug)]
pub(super) struct LabelPattern {
    tests: Vec<Test>,
    ignores_case: bool,
    negated: bool,
}

/// Part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Empty,
    Text(String),
    /// `.*`
    Star,
    /// `.+`
    Plus,
    Concat(Vec<Node>),
    Choice(Vec<Node>),
    /// One of some characters, as Go has alternatives of one character each.
    Class,
}

/// Groups in groups, and parts of a pattern; longer ones are no patterns of words.
const DEPTH_MAX: usize = 16;

impl LabelPattern {
    /// The pattern, if it consists of words and `.*`.
    pub(super) fn of_words(pattern: &str, negated: bool) -> Option<Self> {
        let (ignores_case, rest) = match pattern.strip_prefix("(?i)") {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        let mut reader = Reader { rest, depth: 0 };
        let node = reader.choice()?;
        if !reader.rest.is_empty() {
            return None;
        }
        let mut tests = tests_of(node)?;
        if ignores_case {
            for test in &mut tests {
                if let Test::Equal(text) | Test::Contains(text) = test {
                    *text = text.to_lowercase();
                }
            }
        }
        Some(Self { tests, ignores_case, negated })
    }

    /// Whether the comparison holds of a value.
    pub(super) fn matches(&self, value: &str) -> bool {
        let holds =
            if self.ignores_case { self.holds(&value.to_lowercase()) } else { self.holds(value) };
        holds != self.negated
    }

    fn holds(&self, value: &str) -> bool {
        self.tests.iter().any(|test| match test {
            Test::Any => true,
            Test::NotEmpty => !value.is_empty(),
            Test::Equal(text) => value == text,
            Test::Contains(text) => {
                memchr::memmem::find(value.as_bytes(), text.as_bytes()).is_some()
            }
        })
    }
}

/// A comparison of a label filter.
pub(super) enum LabelTest {
    Words(LabelPattern),
    Other(TextMatcher),
}

impl LabelTest {
    /// Whether it holds of a value.
    pub(super) fn matches(&self, value: &str) -> bool {
        match self {
            Self::Words(pattern) => pattern.matches(value),
            Self::Other(matcher) => matcher.matches(value),
        }
    }
}

struct Reader<'p> {
    rest: &'p str,
    depth: usize,
}

impl Reader<'_> {
    /// Alternatives up to the end or a closing parenthesis.
    fn choice(&mut self) -> Option<Node> {
        self.depth += 1;
        let mut legs = vec![self.concat()?];
        while let Some(rest) = self.rest.strip_prefix('|') {
            self.rest = rest;
            legs.push(self.concat()?);
        }
        self.depth -= 1;
        (self.depth <= DEPTH_MAX).then(|| factored(legs))
    }

    fn concat(&mut self) -> Option<Node> {
        let mut parts = Vec::new();
        // A group's text is not joined to what stands beside it.
        let mut joins = false;
        loop {
            let mut is_text = false;
            if let Some(rest) = self.rest.strip_prefix('(') {
                self.rest = rest.strip_prefix("?:").unwrap_or(rest);
                if self.depth > DEPTH_MAX {
                    return None;
                }
                parts.push(self.choice()?);
                self.rest = self.rest.strip_prefix(')')?;
            } else if let Some(rest) = self.rest.strip_prefix(".*") {
                self.rest = rest.strip_prefix('?').unwrap_or(rest);
                parts.push(Node::Star);
            } else if let Some(rest) = self.rest.strip_prefix(".+") {
                self.rest = rest.strip_prefix('?').unwrap_or(rest);
                parts.push(Node::Plus);
            } else if let Some((char, rest)) = literal(self.rest) {
                self.rest = rest;
                is_text = true;
                match parts.last_mut() {
                    Some(Node::Text(text)) if joins => text.push(char),
                    _ => parts.push(Node::Text(char.into())),
                }
            } else {
                break;
            }
            // Anything else may be repeated only by an automaton.
            if self.rest.starts_with(['*', '+', '?', '{']) {
                return None;
            }
            joins = is_text;
        }
        Some(match parts.len() {
            0 => Node::Empty,
            1 => parts.pop()?,
            _ => Node::Concat(parts),
        })
    }
}

/// A character that stands for itself, perhaps escaped.
fn literal(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    match chars.next()? {
        '\\' => {
            let char = chars.next().filter(char::is_ascii_punctuation)?;
            Some((char, chars.as_str()))
        }
        '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' => None,
        char => Some((char, chars.as_str())),
    }
}

/// Alternatives as Go has them: neighbours that begin alike share that beginning, and those of one character
/// each are one.
fn factored(legs: Vec<Node>) -> Node {
    let legs = legs.into_iter().flat_map(|leg| match leg {
        Node::Choice(inner) => inner,
        other => vec![other],
    });
    let mut runs: Vec<(String, Vec<Node>)> = Vec::new();
    for leg in legs {
        let start = start_of(&leg).to_owned();
        if let Some((shared, run)) = runs.last_mut() {
            let common: String = shared
                .chars()
                .zip(start.chars())
                .take_while(|(a, b)| a == b)
                .map(|(a, _)| a)
                .collect();
            if !common.is_empty() {
                *shared = common;
                run.push(leg);
                continue;
            }
        }
        runs.push((start, vec![leg]));
    }
    let mut shared: Vec<Node> = Vec::new();
    for (start, mut run) in runs {
        let leg = if run.len() == 1 {
            run.remove(0)
        } else {
            let rests = run.into_iter().map(|leg| without_start(leg, start.len())).collect();
            Node::Concat(vec![Node::Text(start), factored(rests)])
        };
        let is_one = |leg: &Node| match leg {
            Node::Text(text) => text.chars().count() == 1,
            Node::Class => true,
            _ => false,
        };
        match shared.last_mut() {
            Some(last) if is_one(last) && is_one(&leg) => *last = Node::Class,
            Some(Node::Empty) if leg == Node::Empty => {}
            _ => shared.push(leg),
        }
    }
    if shared.len() == 1 { shared.remove(0) } else { Node::Choice(shared) }
}

fn start_of(leg: &Node) -> &str {
    match leg {
        Node::Text(text) => text,
        Node::Concat(parts) => match parts.first() {
            Some(Node::Text(text)) => text,
            _ => "",
        },
        _ => "",
    }
}

fn without_start(leg: Node, bytes: usize) -> Node {
    match leg {
        Node::Text(text) if text.len() == bytes => Node::Empty,
        Node::Text(text) => Node::Text(text[bytes..].to_owned()),
        Node::Concat(mut parts) => {
            if let Some(first) = parts.first_mut() {
                *first = without_start(first.clone(), bytes);
            }
            parts.retain(|part| *part != Node::Empty);
            if parts.len() == 1 { parts.remove(0) } else { Node::Concat(parts) }
        }
        other => other,
    }
}

fn tests_of(node: Node) -> Option<Vec<Test>> {
    match node {
        Node::Empty | Node::Star => Some(vec![Test::Any]),
        Node::Plus => Some(vec![Test::NotEmpty]),
        Node::Text(text) => Some(vec![Test::Equal(text)]),
        Node::Concat(parts) => of_concat(&parts, None),
        Node::Choice(legs) => {
            let mut all = Vec::new();
            for leg in legs {
                all = joined(all, tests_of(leg)?);
            }
            Some(all)
        }
        Node::Class => None,
    }
}

/// One alternative more. One that holds of every value is none beside others.
fn joined(mut tests: Vec<Test>, more: Vec<Test>) -> Vec<Test> {
    if tests == [Test::Any] {
        return more;
    }
    if !tests.is_empty() && more == [Test::Any] {
        return tests;
    }
    tests.extend(more);
    tests
}

fn of_concat(parts: &[Node], before: Option<&str>) -> Option<Vec<Test>> {
    let parts: Vec<&Node> = parts.iter().filter(|part| **part != Node::Empty).collect();
    if parts.len() > 3 {
        return None;
    }
    let mut word = before.map(str::to_owned);
    let mut has_text = false;
    let mut tests = Vec::new();
    for part in parts {
        match (part, &word) {
            (Node::Text(_), _) if has_text => return None,
            (Node::Text(text), _) => {
                has_text = true;
                word = Some(word.unwrap_or_default() + text);
            }
            (Node::Choice(legs), Some(word)) => tests = of_legs(legs, word, tests)?,
            (Node::Star, _) => {}
            _ => return None,
        }
    }
    if tests.is_empty() {
        tests.push(Test::Contains(word?));
    }
    Some(tests)
}

/// A word with each of the alternatives behind it.
fn of_legs(legs: &[Node], word: &str, mut tests: Vec<Test>) -> Option<Vec<Test>> {
    for leg in legs {
        match leg {
            Node::Empty | Node::Star => tests.push(Test::Contains(word.to_owned())),
            Node::Text(text) => tests.push(Test::Contains(format!("{word}{text}"))),
            Node::Concat(parts) => tests.extend(of_concat(parts, Some(word))?),
            Node::Plus | Node::Choice(_) | Node::Class => return None,
        }
    }
    Some(tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(pattern: &str, value: &str) -> Option<bool> {
        LabelPattern::of_words(pattern, false).map(|pattern| pattern.matches(value))
    }

    #[test]
    fn words_with_any_text_around_them_are_looked_for_anywhere() {
        for pattern in ["e.*", ".*e", ".*b.*", "(e.*)", "e.*?", "(?i)BU.*", "w.*|e.*", "|bu.*"] {
            assert_eq!(holds(pattern, "debug"), Some(true), "{pattern}");
        }
        assert_eq!(holds("w.*|x.*", "debug"), Some(false));
        assert_eq!(holds("10\\..*", "1.10.2"), Some(true));
        assert_eq!(
            LabelPattern::of_words("e.*", true).map(|one| one.matches("debug")),
            Some(false)
        );
    }

    #[test]
    fn words_alone_are_the_whole_value() {
        assert_eq!(holds("error", "error"), Some(true));
        assert_eq!(holds("error|warn", "errors"), Some(false));
        assert_eq!(holds("(?i)ERROR", "Error"), Some(true));
        // Alternatives that begin alike are no words to Go any more.
        assert_eq!(holds("rror|rrfoo", "error"), Some(true));
        assert_eq!(holds("rro(r|foo)", "error"), Some(true));
    }

    #[test]
    fn what_holds_always_is_no_alternative() {
        assert_eq!(holds("error|", ""), Some(false));
        assert_eq!(holds("error|.*", "info"), Some(false));
        assert_eq!(holds(".*", "info"), Some(true));
        assert_eq!(holds("", "info"), Some(true));
        assert_eq!(holds(".+", ""), Some(false));
    }

    #[test]
    fn other_patterns_are_for_an_automaton() {
        for pattern in [
            "e.",
            "e.*r",
            "[e].*",
            "rror|rrox",
            "a|b",
            "er+",
            "^e.*",
            "e.*$",
            "(?s)e.*",
            "e(.*",
            "e{2}.*",
        ] {
            assert!(holds(pattern, "error").is_none(), "{pattern}");
        }
    }
}
