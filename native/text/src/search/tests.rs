use proptest::prelude::*;

use super::*;
use crate::{TextIndex, build};

fn phrase(text: &str) -> TextQuery {
    TextQuery::Phrase(text.to_owned())
}

fn score(query: &TextQuery, line: &str) -> Option<f32> {
    let search = Search::compile(query).unwrap();
    search.score(line, &TermCounts::default()).map(|scored| scored.score)
}

#[test]
fn words_are_found_whatever_their_case_and_only_whole() {
    assert!(score(&phrase("Declined"), "payment DECLINED by").is_some());
    assert!(score(&phrase("decline"), "payment declined").is_none());
    assert!(score(&TextQuery::Prefix("decl".into()), "payment declined").is_some());
    assert!(score(&TextQuery::Fuzzy("paymnet".into(), 2), "payment declined").is_some());
}

#[test]
fn a_phrase_is_words_one_behind_the_other() {
    let query = phrase("user-id 7");
    assert!(score(&query, "user_id=7").is_some());
    assert!(score(&query, "id user 7").is_none());
    assert!(score(&query, "user user id 7").is_some());
    assert!(score(&TextQuery::Prefix("by the acq".into()), "declined by the acquirer").is_some());
}

#[test]
fn parts_are_joined_as_they_say() {
    let both = TextQuery::All(vec![phrase("a"), TextQuery::Not(Box::new(phrase("b")))]);
    assert!(score(&both, "a c").is_some());
    assert!(score(&both, "a b").is_none());
    let any = TextQuery::Any(vec![phrase("a"), phrase("b")]);
    assert!(score(&any, "c").is_none());
    assert!(score(&any, "a b") > score(&any, "a c"));
}

#[test]
fn rare_words_repeated_words_and_short_lines_count_more() {
    let any = TextQuery::Any(vec![phrase("common"), phrase("rare")]);
    let search = Search::compile(&any).unwrap();
    let counts = TermCounts { blocks: 100, with_term: vec![90, 2] };
    let score = |line: &str| search.score(line, &counts).unwrap().score;
    assert!(score("a rare one") > score("a common one"));
    assert!(score("rare and rare") > score("rare and well"));
    assert!(score("rare") > score(&format!("rare {}", "word ".repeat(60))));
    assert_eq!(search.score("só rare", &counts).unwrap().places, [(4, 8)]);
}

#[test]
fn what_cannot_be_searched_for_is_told() {
    let error = |query| Search::compile(&query).unwrap_err().to_string();
    assert_eq!(error(phrase("--")), "'--' has no letter and no digit to search for");
    assert_eq!(
        error(TextQuery::Fuzzy("a b".into(), 1)),
        "'a b' is more than one word; `~` takes one"
    );
    let many = TextQuery::Any(vec![phrase("a"); 65]);
    assert_eq!(error(many), "the query has more than 64 words; search for less at once");
}

fn query() -> impl Strategy<Value = TextQuery> {
    let text = "[aAbBü]{1,2}( [ab]{1,2})?";
    let leaf = prop_oneof![
        text.prop_map(TextQuery::Phrase),
        text.prop_map(TextQuery::Prefix),
        ("[abü]{1,3}", 0u8..3).prop_map(|(word, edits)| TextQuery::Fuzzy(word, edits)),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(TextQuery::All),
            prop::collection::vec(inner.clone(), 1..3).prop_map(TextQuery::Any),
            inner.prop_map(|part| TextQuery::Not(Box::new(part))),
        ]
    })
}

proptest! {
    /// The index may name rows that are not found, and never leaves out one that is.
    #[test]
    fn the_index_leaves_out_no_line_that_is_found(
        lines in prop::collection::vec("[aAbBüx ]{0,8}", 1..24),
        query in query(),
    ) {
        let search = Search::compile(&query).unwrap();
        let index = TextIndex::from_bytes(build(lines.iter().map(String::as_str), 4).unwrap()).unwrap();
        let (rows, counts) = index.rows_found(&search).unwrap();
        for (row, line) in (0u32..).zip(&lines) {
            if search.score(line, &counts).is_some() {
                prop_assert!(rows.iter().any(|range| range.contains(&row)), "{row} {line:?} {query:?}");
            }
        }
    }
}
