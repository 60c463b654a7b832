//! Traces: search by span sets, look-up by id, and what tags and values spans have.
//!
//! A trace's spans may be anywhere: `gather` puts whole traces together from segments and memtables.
//! `mask` tells from columns which traces are worth that.

mod absent;
mod aggregate;
mod by_id;
mod candidates;
mod condition;
mod fields;
mod gather;
mod go_duration;
mod mask;
mod matching;
mod operand;
mod search;
mod selection;
mod series;
mod set;
mod show;
mod shown;
mod source;
mod spans;
mod spanset;
mod structural;
mod tag_values;
mod tags;
#[cfg(test)]
mod tests;
mod trace;
mod tree;
mod wanted;

pub(crate) use {
    by_id::run as by_id,
    search::{ShownSpans, run as search},
    series::run as series,
    tag_values::run as tag_values,
    tags::run as tags,
};
