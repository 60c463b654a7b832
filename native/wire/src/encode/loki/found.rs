//! Lines that say certain words: Varve's own, for those who come from search engines.

use varve_columnar::answer::{FoundLine, Outcome};

use super::{
    super::{
        json::{self, ARRAY},
        samples,
    },
    stats,
};

/// `{"total":2,"hits":[{"score":1.5,"timestamp":"…","line":"…","matched":["…"],"labels":{…}, …}],"stats":{…}}`
pub(super) fn lines(out: &mut Vec<u8>, lines: &[FoundLine], total: u64, outcome: &Outcome) {
    out.extend_from_slice(br#"{"total":"#);
    json::integer(out, total);
    out.extend_from_slice(br#","hits":"#);
    json::list(out, ARRAY, lines, |out, found| {
        out.extend_from_slice(br#"{"score":"#);
        json::integer(out, found.score);
        out.extend_from_slice(br#","timestamp":""#);
        json::integer(out, found.time_ns);
        out.extend_from_slice(br#"","line":"#);
        json::string(out, &found.line);
        out.extend_from_slice(br#","matched":"#);
        let words = found
            .places
            .iter()
            .filter_map(|&(start, end)| found.line.get(start as usize..end as usize));
        json::list(out, ARRAY, words, json::string);
        out.extend_from_slice(br#","labels":"#);
        samples::labels(out, found.index.iter());
        out.extend_from_slice(br#","structuredMetadata":"#);
        samples::labels(out, found.metadata.iter());
        out.push(b'}');
    });
    out.extend_from_slice(br#","stats":"#);
    stats(out, outcome);
    if !outcome.warnings.is_empty() {
        out.extend_from_slice(br#","warnings":"#);
        json::list(out, ARRAY, &outcome.warnings, |out, text| json::string(out, text));
    }
    out.push(b'}');
}
