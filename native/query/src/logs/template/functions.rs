//! The functions that templates call: Go's own, Loki's, and those Loki takes from Sprig.

use super::{
    builtin,
    function::{Function, Param, Run},
    numbers, printf, texts, time,
};

/// The function of this name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    let all = [
        SPECIAL,
        builtin::FUNCTIONS,
        printf::FUNCTIONS,
        texts::FUNCTIONS,
        numbers::FUNCTIONS,
        time::FUNCTIONS,
    ];
    all.into_iter().flatten().find(|function| function.name == name)
}

const SPECIAL: &[Function] = &[
    Function { name: "__line__", params: &[], rest: None, run: Run::Line },
    Function { name: "__timestamp__", params: &[], rest: None, run: Run::Timestamp },
    Function { name: "and", params: &[Param::Any], rest: Some(Param::Any), run: Run::Last },
    Function { name: "or", params: &[Param::Any], rest: Some(Param::Any), run: Run::Last },
];
