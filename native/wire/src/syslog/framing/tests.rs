use proptest::prelude::*;

use super::*;
use crate::syslog::Sections;

const MAX_BYTES: usize = 16;

fn packed(chunks: &[&[u8]]) -> Vec<u8> {
    let sender = Sender { address: "192.0.2.7".to_owned(), name: String::new() };
    let (mut framing, mut out) = (Framing::new(MAX_BYTES, sender), Packer::default());
    for chunk in chunks {
        framing.push(chunk, 7, &mut out);
        assert!(framing.held.len() <= MAX_BYTES);
    }
    framing.finish(8, &mut out);
    out.take()
}

/// The messages of a stream that comes in these chunks; `~` behind one that was cut, `…` behind one
/// in which the stream ended.
fn messages(chunks: &[&[u8]]) -> Vec<String> {
    let body = packed(chunks);
    let sections = Sections::new(&body).map(Result::unwrap);
    let arrived = sections.flat_map(|section| section.map(Result::unwrap).collect::<Vec<_>>());
    arrived
        .map(|message| {
            let text = String::from_utf8_lossy(message.bytes);
            let cut = if message.is_truncated { "~" } else { "" };
            let partial = if message.is_partial { "…" } else { "" };
            format!("{text}{cut}{partial}")
        })
        .collect()
}

#[test]
fn lines_end_with_a_line_feed_or_a_nul() {
    assert_eq!(messages(&[b"<1>a\n<2>b\0\n\n<3>c\r\n"]), ["<1>a", "<2>b", "<3>c\r"]);
}

#[test]
fn counted_messages_may_hold_line_feeds() {
    assert_eq!(messages(&[b"6 <1>a\nb5 <2>cd"]), ["<1>a\nb", "<2>cd"]);
}

#[test]
fn the_two_framings_are_told_apart_for_each_message() {
    assert_eq!(messages(&[b"4 <1>a<2>b\n4 <3>c\n<4>d\n"]), ["<1>a", "<2>b", "<3>c", "<4>d"]);
}

#[test]
fn a_line_that_starts_with_a_number_is_a_line() {
    assert_eq!(
        messages(&[b"12 apples\n2026-01-02 x\n1234567890 <1>a\n"]),
        ["12 apples", "2026-01-02 x", "1234567890 <1>a"]
    );
}

#[test]
fn a_message_over_the_limit_is_cut_and_the_next_is_whole() {
    let long = "x".repeat(20);
    let expected = [format!("<1>{}~", "x".repeat(13)), "<2>b".to_owned()];
    assert_eq!(messages(&[format!("<1>{long}\n<2>b\n").as_bytes()]), expected);
    assert_eq!(messages(&[format!("23 <1>{long}4 <2>b").as_bytes()]), expected);
}

#[test]
fn the_message_in_which_a_stream_ends_is_marked() {
    assert_eq!(messages(&[b"<1>a\n<2>b"]), ["<1>a", "<2>b…"]);
    assert_eq!(messages(&[b"9 <1>a"]), ["<1>a…"]);
    assert_eq!(messages(&[b"9 "]), ["9 …"]);
    assert_eq!(messages(&[b"<1>a\n\n"]), ["<1>a"]);
}

#[test]
fn a_section_tells_who_sent_it_and_when() {
    let body = packed(&[b"<1>a\n", b"<2>b\n"]);
    let sections = Sections::new(&body).map(Result::unwrap);
    let told: Vec<_> = sections.map(|it| (it.address, it.name, it.received_ns)).collect();
    assert_eq!(told, [("192.0.2.7", "", 7); 2]);
}

/// A piece of a stream: a message in one of the framings, or noise.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "<[0-9]{1,3}>[a-z ]{0,24}\n".prop_map(String::into_bytes),
        "<[0-9]{1,3}>[a-z\n ]{0,24}".prop_map(|text| format!("{} {text}", text.len()).into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..12),
    ]
}

proptest! {
    #[test]
    fn how_a_stream_is_cut_into_chunks_makes_no_difference(
        pieces in proptest::collection::vec(piece(), 0..8),
        cuts in proptest::collection::vec(1usize..9, 0..40),
    ) {
        let stream = pieces.concat();
        let (mut chunks, mut rest) = (Vec::new(), stream.as_slice());
        for cut in cuts {
            let (chunk, behind) = rest.split_at(cut.min(rest.len()));
            chunks.push(chunk);
            rest = behind;
        }
        chunks.push(rest);
        prop_assert_eq!(messages(&chunks), messages(&[&stream]));
    }

    #[test]
    fn whatever_is_not_packed_is_told_and_never_more(
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let bytes: usize = Sections::new(&body)
            .flatten()
            .flat_map(|section| section.flatten().map(|message| message.bytes.len()).collect::<Vec<_>>())
            .sum();
        prop_assert!(bytes <= body.len());
    }
}
